import './query.css'
import { type ReactNode, useEffect, useMemo, useRef, useState } from 'react'
import { asApiError } from '@/api/errors'
import { type Command, useCommands } from '@/commands/registry'
import { closing } from '@/lang/complete'
import { complete } from '@/lang/query'
import { rangeOf, warned } from '@/lang/repair'
import { Editor } from '@/parts/editor/Editor'
import { QUERY } from '@/parts/editor/languages'
import type { Problem } from '@/parts/editor/types'
import { twinOptions, useFacts } from '@/parts/facts'
import { useGraph } from '@/state/graph'
import { DEFAULTS, set, useSettings } from '@/state/settings'
import { currentPlace, linkTo, useGoing } from '@/state/url'
import { t } from '@/text/text'
import { Button } from '@/ui/button'
import { copyText } from '@/ui/copy'
import { LinkIcon, SaveIcon } from '@/ui/icons'
import { Splitter } from '@/ui/splitter'
import { toast } from '@/ui/toasts'
import { ErrorBar } from './ErrorBar'
import { HelpPane } from './HelpPane'
import { HistoryButton } from './HistoryPanel'
import { useLives } from './live'
import { ParameterBar } from './ParameterBar'
import { Result } from './Result'
import { useRuns } from './runs'
import { SaveDialog } from './SaveDialog'
import { SavedButton } from './SavedPanel'
import { type SavedQueries, type SavedText, useSaved } from './saved'
import { TabBar } from './TabBar'
import { changeTab, type QueryTab, titleOf } from './tabs'
import { type Check, useCheck } from './useCheck'
import { type QueryScreen, useQueryScreen } from './useQueryScreen'

const SMALLEST = 120
const LARGEST_SHARE = 0.6
/** The height of the work area that a share of the editor is of, before it is measured. */
const ROUGH = 740

/** What is wrong with the open text: a run's answer while the text is still that, else the check's. */
function faultOf(screen: QueryScreen, check: Check, closed: string): Check {
  const { byTab } = useRuns.getState()
  const run = byTab[screen.tab.id]
  const live = useLives.getState().byTab[screen.tab.id]
  const text = screen.statement.text
  if (text === closed) return { text, error: undefined, warnings: [] }
  if (live?.text === text && live.error && live.state === 'ended') return { text, error: live.error, warnings: live.warnings }
  if (run?.statement.text === text && run.state !== 'running') return { text, error: run.error, warnings: run.warnings }
  return check
}

function problemsOf(screen: QueryScreen, fault: Check): readonly Problem[] {
  const { text, start } = screen.statement
  const place = (from: number, to: number, severity: Problem['severity'], message: string): Problem => ({ from: from + start, to: to + start, severity, message })
  const errors = (fault.error?.details ?? []).flatMap((detail) => {
    if (detail.line === undefined) return []
    const { from, to } = rangeOf(text, { line: detail.line, column: detail.column ?? 0, length: detail.length ?? 1 })
    return [place(from, to, 'error', detail.message)]
  })
  const warnings = fault.warnings.flatMap((warning) => { const found = warned(text, warning); return found ? [place(found.from, found.to, 'warning', warning)] : [] })
  return [...errors, ...warnings]
}

function savedAs(name: string, { text, etag }: SavedText): NonNullable<QueryTab['saved']> { return { name, text, ...(etag !== undefined && { etag }) } }

/** The address may name a saved query. */
function useNamed(screen: QueryScreen, saved: SavedQueries): void {
  const { v } = useGoing().place.parameters
  const { loading, read } = saved
  const open = useRef(screen.runText)
  open.current = screen.runText
  useEffect(() => {
    if (v === undefined || loading) return
    read(v).then((known) => { open.current(known.text, savedAs(v, known)) }, (error: unknown) => { toast({ kind: 'error', text: asApiError(error).message }) })
    // Only another name is another query: a list that was read again is not.
  }, [v, loading])
}

function useQueryCommands(screen: QueryScreen, save: () => void, link: () => void): void {
  const commands = useMemo((): Command[] => {
    const group = t('screens.query')
    return [
      { id: 'query.run', group, text: t('query.run-command'), keys: ['Ctrl Enter'], when: () => screen.statement.text !== '', run: screen.run },
      { id: 'query.live', group, text: t('query.live-command'), when: () => screen.statement.text !== '' && (screen.mayLive || screen.isLive), run: () => { screen.setLive(!screen.isLive) } },
      { id: 'query.explain', group, text: t('query.explain-command'), when: () => screen.statement.text !== '', run: () => { screen.setView('explain') } },
      { id: 'query.save', group, text: t('query.save'), keys: ['Ctrl s'], when: () => screen.tab.text.trim() !== '', run: save },
      { id: 'query.link', group, text: t('query.link'), keys: ['Shift L'], run: link },
      { id: 'query.edit', group, text: t('query.edit-command'), keys: ['e'], run: () => { screen.handle.current?.focus() } },
    ]
  }, [screen, save, link])
  useCommands(commands)
}

export default function Screen(): ReactNode {
  const screen = useQueryScreen()
  const saved = useSaved()
  const [saving, setSaving] = useState(false)
  const { tab } = screen
  const keep = (name: string, etag: string | undefined): void => {
    changeTab(tab.id, { saved: savedAs(name, { text: tab.text, etag }) })
    setSaving(false)
    toast({ text: t('query.was-saved', { name }) })
  }
  const write = (name: string, over?: { readonly etag: string | undefined }): void => {
    saved.save(name, tab.text, over).then((etag) => { keep(name, etag) }, (thrown: unknown) => {
      const error = asApiError(thrown)
      // Somebody else saved under this name since it was opened here.
      if (error.status === 412) toast({ kind: 'error', text: t('query.changed-meanwhile', { name }), act: { text: t('query.save-over'), run: () => { write(name) } } })
      else toast({ kind: 'error', text: error.message })
    })
  }
  const save = (): void => {
    if (tab.saved) write(tab.saved.name, { etag: tab.saved.etag })
    else setSaving(true)
  }
  const copyLink = (): void => {
    const place = currentPlace()
    // The instant and the selection are what is looked at, too.
    void copyText(linkTo({ ...place, parameters: { ...place.parameters, q: tab.text, as: screen.view === 'table' ? '' : screen.view, live: screen.isLive ? '1' : '' } }))
  }
  useNamed(screen, saved)
  useQueryCommands(screen, save, copyLink)
  return (
    <div className="query" data-testid="query">
      <h1 className="unseen">{t('screens.query')}</h1>
      <TabBar tabs={screen.tabs} active={tab.id} onClose={(closed) => { const again = screen.close(closed); if (closed.text.trim() !== '') toast({ text: t('query.was-closed'), act: { text: t('query.undo'), run: again } }) }}>
        <HistoryButton onOpen={(text) => { screen.runText(text) }} />
        <SavedButton saved={saved} onOpen={(name, known) => { screen.runText(known.text, savedAs(name, known)) }} onExample={(text) => { screen.runText(text) }} />
        {saved.mayWrite && <Button icon={SaveIcon} disabled={tab.text.trim() === ''} onClick={save} data-testid="query.save">{t('query.save')}</Button>}
        <Button icon={LinkIcon} onClick={copyLink} data-testid="query.link">{t('query.link')}</Button>
      </TabBar>
      {tab.id !== '' && <Written key={tab.id} screen={screen} />}
      <Result screen={screen} />
      {saving && <SaveDialog text={tab.text} suggested={titleOf(tab) ?? ''} saved={saved} onClose={() => { setSaving(false) }} onSaved={keep} />}
    </div>
  )
}

/** The editor with what helps to write, and what is wrong. */
function Written({ screen }: { screen: QueryScreen }): ReactNode {
  const facts = useFacts()
  const { name: graph, at } = useGraph()
  const share = useSettings((state) => state.editorShare)
  const { tab, handle } = screen
  const run = useRuns((state) => state.byTab[tab.id])
  useLives((state) => state.byTab[tab.id]?.error)
  const [closed, setClosed] = useState('')
  const outer = useRef<HTMLDivElement>(null)
  // What was run just so needs no check: its answer says the same.
  const idle = run?.state !== 'running' && run?.statement.text !== screen.statement.text && !screen.isLive
  const check = useCheck(screen.statement.text, screen.parameters, idle)
  const fault = faultOf(screen, check, closed)
  const problems = useMemo(() => problemsOf(screen, fault), [screen.statement.text, screen.statement.start, fault.error, fault.warnings])
  const whole = outer.current?.parentElement?.clientHeight ?? ROUGH
  const height = Math.round(Math.min(whole * LARGEST_SHARE, Math.max(SMALLEST, share * whole)))
  return (
    <>
      <div className="query-write" ref={outer} style={{ height }}>
        <Editor
          label={t('query.editor')} value={tab.text} language={QUERY} placeholder={t('query.placeholder')} problems={problems} autoFocus={tab.text === ''} testId="query.editor"
          onChange={(text) => { changeTab(tab.id, { text }) }} onCursor={screen.setCursor} onRun={screen.run} onReady={(ready) => { handle.current = ready }}
          complete={async (text, cursor, signal) => {
            const found = complete(text, cursor, facts)
            return found.twins ? { ...found, options: [...found.options, ...(await twinOptions(graph, at, found.twins, facts, signal)).map((each) => ({ ...each, insert: closing(each.label, text[found.from - 1] ?? "'") }))] } : found
          }}
        />
        <HelpPane text={tab.text} cursor={screen.cursor} facts={facts} onInsert={(insert) => { const selection = handle.current?.selection(); if (selection) handle.current?.replace(selection.from, selection.to, insert) }} />
      </div>
      <ErrorBar error={fault.error} warnings={fault.warnings} statement={screen.statement} onClose={() => { setClosed(screen.statement.text) }}
        onRepair={(repair) => { handle.current?.replace(repair.from, repair.to, repair.insert) }} onGo={(from, to) => { handle.current?.select(from, to) }} />
      <ParameterBar tab={tab} names={screen.names} onRun={screen.run} />
      <Splitter label={t('query.resize')} value={height} min={SMALLEST} max={Math.round(whole * LARGEST_SHARE)} initial={Math.round(DEFAULTS.editorShare * whole)} grows="down" onChange={(next) => { set({ editorShare: next / whole }) }} />
    </>
  )
}
