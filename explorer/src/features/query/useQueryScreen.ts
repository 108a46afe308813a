/** What the screen of queries does: which text is open, what was asked, what came. */
import { useCallback, useEffect, useLayoutEffect, useMemo, useRef, useState } from 'react'
import type { Json } from '@/api/json'
import { isCypher, parametersOf, statementAt } from '@/lang/query'
import type { Statement } from '@/lang/tokens'
import type { EditorHandle } from '@/parts/editor/types'
import { useGraph } from '@/state/graph'
import { useGoing } from '@/state/url'
import { explain, isOf, useExplains } from './explains'
import { note } from './keep'
import { pauseLive, startLive, stopAllLives, stopLive, useLives } from './live'
import { cancel, cancelAll, forget, run, type Run, useRuns } from './runs'
import { activate, activeTab, closeTab, isUnsaved, openTabs, openText, parameterOf, type QueryTab, changeTab, tabFor, useTabs } from './tabs'

export const VIEWS = ['table', 'graph', 'json', 'explain'] as const
export type View = (typeof VIEWS)[number]

const NO_TAB: QueryTab = { id: '', text: '', values: {} }

export interface QueryScreen {
  readonly tabs: readonly QueryTab[]
  readonly tab: QueryTab
  readonly view: View
  readonly statement: Statement
  readonly names: readonly string[]
  readonly parameters: Readonly<Record<string, Json>>
  readonly cursor: number
  readonly handle: { current: EditorHandle | undefined }
  readonly isLive: boolean
  /** Whether the open text can be followed: queries of openCypher cannot. */
  readonly mayLive: boolean
  readonly setCursor: (cursor: number) => void
  readonly setView: (view: View) => void
  readonly run: () => void
  readonly runText: (text: string, saved?: QueryTab['saved']) => void
  readonly cancel: () => void
  readonly close: (tab: QueryTab) => () => void
  readonly setLive: (on: boolean) => void
  readonly pause: (paused: boolean) => void
}

/** The address that Back or Forward led to, as long as one is there. */
function usePopped(): { current: string | undefined } {
  const popped = useRef<string>(undefined)
  useEffect(() => {
    const onPop = (): void => { popped.current = hereNow() }
    // Before the address is read by anybody else: what follows from it is known then.
    window.addEventListener('popstate', onPop, true)
    return () => { window.removeEventListener('popstate', onPop, true) }
  }, [])
  return popped
}

function hereNow(): string { return window.location.pathname + window.location.search }

function noteRun(graph: string, done: Run | undefined): void {
  if (done?.state !== 'done') return
  void note({ graph, text: done.statement.text, at: Date.now(), rows: done.rows.length, more: done.token !== null, ms: done.ms }).catch(() => undefined)
}

export function useQueryScreen(): QueryScreen {
  const { name: graph, at } = useGraph()
  const going = useGoing()
  const { q, as, live } = going.place.parameters
  const state = useTabs()
  const popped = usePopped()
  const handle = useRef<EditorHandle>(undefined)
  const [cursor, setCursor] = useState(0)
  const tab = (state.graph === graph ? activeTab(state) : undefined) ?? NO_TAB
  const view = VIEWS.find((each) => each === as) ?? 'table'
  const statement = useMemo(() => statementAt(tab.text, Math.min(cursor, tab.text.length)), [tab.text, cursor])
  const names = useMemo(() => parametersOf(statement.text), [statement.text])
  const parameters = useMemo(() => Object.fromEntries(names.flatMap((each) => { const value = tab.values[each]; return value === undefined || value === '' ? [] : [[each, parameterOf(value)]] })), [names, tab.values])
  const latest = useRef({ tab, view, statement, parameters, at })
  latest.current = { tab, view, statement, parameters, at }

  useLayoutEffect(() => { openTabs(graph) }, [graph])

  const start = useCallback((id: string, what: Statement, how: { view: View; live: boolean; parameters: Readonly<Record<string, Json>> }) => {
    if (what.text === '') return
    const ask = { graph, at: latest.current.at, parameters: how.parameters }
    if (how.live && ask.at === undefined && !isCypher(what.text)) { startLive(id, graph, what.text, how.parameters); return }
    stopLive(id)
    if (how.view === 'explain') void explain(id, what.text, ask)
    void run(id, what, ask).then((done) => { noteRun(graph, done) })
  }, [graph])

  // An address with a query shows its rows; Back brings the text back that was there.
  useEffect(() => {
    if (q === undefined) return
    const wasPopped = popped.current === hereNow()
    const now = latest.current
    if (q === now.tab.text && useRuns.getState().byTab[now.tab.id]) return
    const found = tabFor(q, useTabs.getState().tabs, now.tab, { wasPopped, hasRun: useRuns.getState().byTab[now.tab.id] !== undefined })
    const id = found?.id ?? openText(q)
    if (found?.takesText === true) changeTab(id, { text: q })
    else if (found) activate(id)
    changeTab(id, { ran: q })
    start(id, statementAt(q, 0), { view: now.view, live: live !== undefined, parameters: {} })
    // The tab is no dependency: typing is not going somewhere.
  }, [q, graph])

  // Whatever comes after a step back is no step back, though it may lead to the same address.
  useEffect(() => { popped.current = undefined }, [going.place])

  // What is looked at changed its time: the same query of another instant.
  const before = useRef(at)
  useEffect(() => {
    if (before.current === at) return
    before.current = at
    const done = useRuns.getState().byTab[tab.id]
    if (done || useLives.getState().byTab[tab.id]) start(tab.id, done?.statement ?? statement, { view, live: false, parameters })
  }, [at])

  useEffect(() => () => { stopAllLives(); cancelAll() }, [graph])

  const runNow = useCallback(() => {
    const now = latest.current
    const selection = handle.current?.selection()
    const chosen = selection && selection.to > selection.from ? { text: now.tab.text.slice(selection.from, selection.to).trim(), start: selection.from, end: selection.to } : now.statement
    start(now.tab.id, chosen, { view: now.view, live: live !== undefined, parameters: now.parameters })
    changeTab(now.tab.id, { ran: now.tab.text })
    if (q !== now.tab.text) going.step({ q: now.tab.text })
  }, [going, live, q, start])

  const setView = useCallback((next: View) => {
    const now = latest.current
    going.adjust({ as: next === 'table' ? undefined : next })
    if (next === 'explain' && now.statement.text !== '' && !isOf(useExplains.getState().byTab[now.tab.id], now.statement.text, now.at)) void explain(now.tab.id, now.statement.text, { graph, at: now.at, parameters: now.parameters })
  }, [going, graph])

  return {
    tabs: state.graph === graph ? state.tabs : [], tab, view, statement, names, parameters, cursor, handle, setCursor, setView, run: runNow,
    isLive: useLives((all) => all.byTab[tab.id] !== undefined),
    mayLive: !isCypher(statement.text),
    runText: (text, saved) => {
      const id = openText(text, saved)
      changeTab(id, { ran: text })
      start(id, statementAt(text, 0), { view, live: false, parameters: {} })
      going.step({ q: text, live: undefined, v: undefined })
    },
    cancel: () => { cancel(tab.id) },
    close: (closed) => {
      if (isUnsaved(closed)) void note({ graph, text: closed.text, at: Date.now() }).catch(() => undefined)
      stopLive(closed.id)
      forget(closed.id)
      return closeTab(closed.id)
    },
    setLive: (on) => {
      going.adjust({ live: on ? '1' : undefined, q: tab.text })
      if (on) startLive(tab.id, graph, statement.text, parameters)
      else { stopLive(tab.id); start(tab.id, statement, { view, live: false, parameters }) }
    },
    pause: (paused) => { pauseLive(tab.id, paused) },
  }
}
