/** The open queries of a graph, as they were left: they outlive a reload. */
import { create } from 'zustand'
import { isObject, type Json, parseJson, writeJson } from '@/api/json'
import { keep, kept as keptText } from '@/api/kept'
import { onSignOut } from '@/state/signout'
import { isCypher } from '@/lang/query'

export interface QueryTab {
  readonly id: string
  readonly text: string
  /** As it was when it was last run: what the address says. */
  readonly ran?: string
  /** The name that it is saved under, and what is saved there. */
  readonly saved?: { readonly name: string; readonly text: string; readonly etag?: string }
  /** Values of its parameters, as they were typed. */
  readonly values: Readonly<Record<string, string>>
}

interface Tabs { readonly graph: string; readonly tabs: readonly QueryTab[]; readonly active: string }

const KEPT = 'kastor.query.'
const MOST_TABS = 30
const LONGEST = 100_000

let last = 0
function newId(): string {
  last += 1
  return `${Date.now().toString(36)}-${last}`
}

function emptyTab(text = ''): QueryTab { return { id: newId(), text, values: {} } }

function tabOf(value: Json): QueryTab[] {
  if (!isObject(value) || typeof value['text'] !== 'string') return []
  const { saved, ran } = value
  const values = isObject(value['values']) ? Object.fromEntries(Object.entries(value['values']).filter((each): each is [string, string] => typeof each[1] === 'string')) : {}
  return [{ id: newId(), text: value['text'], values, ...(typeof ran === 'string' && { ran }), ...(isObject(saved) && typeof saved['name'] === 'string' && typeof saved['text'] === 'string' && { saved: { name: saved['name'], text: saved['text'], ...(typeof saved['etag'] === 'string' && { etag: saved['etag'] }) } }) }]
}

function read(graph: string): Tabs {
  let tabs: QueryTab[] = []
  let at = 0
  try {
    // Each window has its own; a new one begins with what another one left last.
    const kept = parseJson(keptText('tab', KEPT + graph) ?? keptText('browser', KEPT + graph) ?? '{}')
    if (isObject(kept) && Array.isArray(kept['tabs'])) tabs = (kept['tabs'] as readonly Json[]).flatMap(tabOf).slice(0, MOST_TABS)
    if (isObject(kept) && typeof kept['at'] === 'number') at = kept['at']
  } catch {
    // What cannot be read is not there.
  }
  if (tabs.length === 0) tabs = [emptyTab()]
  return { graph, tabs, active: (tabs[at] ?? tabs[0])?.id ?? '' }
}

export const useTabs = create<Tabs>(() => ({ graph: '', tabs: [], active: '' }))
onSignOut(() => { useTabs.setState({ graph: '', tabs: [], active: '' }) })

/** Open the tabs of a graph. */
export function openTabs(graph: string): void {
  if (useTabs.getState().graph !== graph) useTabs.setState(read(graph))
}

useTabs.subscribe(({ graph, tabs, active }) => {
  if (graph === '') return
  const kept = tabs.map(({ text, ran, saved, values }) => ({ text: text.slice(0, LONGEST), ran: ran?.slice(0, LONGEST), saved, values }))
  const text = writeJson({ tabs: kept, at: tabs.findIndex((tab) => tab.id === active) })
  keep('tab', KEPT + graph, text)
  keep('browser', KEPT + graph, text)
})

export function activeTab({ tabs, active }: Tabs): QueryTab | undefined { return tabs.find((tab) => tab.id === active) ?? tabs[0] }

export function activate(id: string): void { useTabs.setState({ active: id }) }

/** Of too many tabs the oldest goes whose text is kept elsewhere; what was typed goes last. */
function withRoom(tabs: readonly QueryTab[]): readonly QueryTab[] {
  if (tabs.length <= MOST_TABS) return tabs
  const goes = tabs.slice(0, -1).find((tab) => !isTyped(tab)) ?? tabs[0]
  return tabs.filter((tab) => tab !== goes)
}

/** Open a text: in the tab that has it, in an empty one, else in a new one. */
export function openText(text: string, saved?: QueryTab['saved']): string {
  const { tabs, active } = useTabs.getState()
  const same = tabs.find((tab) => tab.text === text)
  const empty = tabs.find((tab) => tab.id === active && tab.text.trim() === '')
  const tab = same ?? { ...(empty ?? emptyTab()), text }
  const put = saved ? { ...tab, saved } : tab
  useTabs.setState({ tabs: tabs.some((each) => each.id === put.id) ? tabs.map((each) => (each.id === put.id ? put : each)) : withRoom([...tabs, put]), active: put.id })
  return put.id
}

/** Whether a tab holds what was written since it was run and is kept nowhere else. */
export function isTyped(tab: QueryTab): boolean { return tab.text.trim() !== '' && tab.text !== tab.ran && tab.text !== tab.saved?.text }

/**
 * The tab in which an address shows its query: the one that has it; after Back or Forward the one that is open, unless
 * that would take away what was typed there. Undefined: a new one.
 */
export function tabFor(query: string, tabs: readonly QueryTab[], open: QueryTab, how: { readonly wasPopped: boolean; readonly hasRun: boolean }): { readonly id: string; readonly takesText: boolean } | undefined {
  const known = tabs.find((each) => each.text === query) ?? (how.hasRun ? undefined : tabs.find((each) => each.ran === query))
  if (known) return { id: known.id, takesText: false }
  return how.wasPopped && !isTyped(open) ? { id: open.id, takesText: true } : undefined
}

export function addTab(): void {
  const tab = emptyTab()
  useTabs.setState(({ tabs }) => ({ tabs: withRoom([...tabs, tab]), active: tab.id }))
}

export function changeTab(id: string, change: Partial<Omit<QueryTab, 'id'>>): void {
  useTabs.setState(({ tabs }) => ({ tabs: tabs.map((tab) => (tab.id === id ? { ...tab, ...change } : tab)) }))
}

/** Close a tab; returns how to open it again. */
export function closeTab(id: string): () => void {
  const before = useTabs.getState()
  const at = before.tabs.findIndex((tab) => tab.id === id)
  const tabs = before.tabs.filter((tab) => tab.id !== id)
  const left = tabs.length > 0 ? tabs : [emptyTab()]
  useTabs.setState({ tabs: left, active: before.active === id ? (left[Math.max(0, at - 1)] ?? left[0])?.id ?? '' : before.active })
  return () => {
    const tab = before.tabs[at]
    if (tab) useTabs.setState((now) => ({ tabs: [...now.tabs.slice(0, at), tab, ...now.tabs.slice(at)], active: tab.id }))
  }
}

/** What a tab is called: its saved name, its first comment, else its text in short. */
export function titleOf(tab: QueryTab): string | undefined {
  if (tab.saved) return tab.saved.name.split(' › ').at(-1)
  const comment = (isCypher(tab.text) ? /^\s*\/\/\s*(.+)$/m : /^\s*--\s*(.+)$/m).exec(tab.text)?.[1]
  const text = comment === undefined ? tab.text.trim().replace(/\s+/g, ' ') : comment.trim()
  return text === '' ? undefined : text.charAt(0).toUpperCase() + text.slice(1)
}

/** Whether a tab holds something that closing it would lose. */
export function isUnsaved(tab: QueryTab): boolean { return tab.text.trim() !== '' && tab.text !== tab.saved?.text }

/** A parameter's value: JSON where it is some, else a text. */
export function parameterOf(text: string): Json {
  try {
    const value = parseJson(text)
    return isObject(value) ? text : value
  } catch {
    return text
  }
}
