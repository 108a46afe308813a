/** What the queries of this page answered, by tab. Pages are fetched as they are looked at (design 5.2). */
import { create } from 'zustand'
import { ApiError, asApiError } from '@/api/errors'
import { send } from '@/api/http'
import { isObject, type Json, type JsonObject } from '@/api/json'
import type { QueryPage } from '@/api/types'
import type { Selected } from '@/lang/columns'
import { selectedOf } from '@/lang/query'
import type { Statement } from '@/lang/tokens'
import { onLeave } from '@/state/leaving'
import type { ResultRow } from './columns'

export interface Run {
  readonly statement: Statement
  readonly state: 'running' | 'done' | 'failed' | 'cancelled'
  readonly rows: readonly ResultRow[]
  /** The rows are those of what was asked before. */
  readonly isStale: boolean
  readonly selected: readonly Selected[] | undefined
  /** Where the next page begins. */
  readonly token: string | null
  /** A page is on its way. */
  readonly fetching: boolean
  /** From asking to the first page. */
  readonly ms: number
  readonly charge: number
  readonly warnings: readonly string[]
  readonly headers: readonly (readonly [string, string])[]
  readonly error: ApiError | undefined
  readonly at: string | undefined
  readonly startedAt: number
}

interface Runs { readonly byTab: Readonly<Record<string, Run>> }

export const useRuns = create<Runs>(() => ({ byTab: {} }))

export const PAGE = 200
/** The most that a server gives by default. */
const LARGE_PAGE = 1000
const SHOW_EACH_MS = 500
const MOST_HEADERS = 20
const stops = new Map<string, AbortController>()

function put(tab: string, run: Run | undefined): void {
  useRuns.setState(({ byTab }) => {
    const { [tab]: _before, ...rest } = byTab
    return { byTab: run ? { ...rest, [tab]: run } : rest }
  })
}

function change(tab: string, run: Partial<Run>): void {
  const before = useRuns.getState().byTab[tab]
  if (before) put(tab, { ...before, ...run })
}

export function asRow(value: Json, index: number): ResultRow { return { key: String(index), value: isObject(value) ? value : ({ value } satisfies JsonObject) } }

interface Asked { readonly graph: string; readonly at: string | undefined; readonly parameters: Readonly<Record<string, Json>> }

const asked = new Map<string, Asked>()

/** Run a statement; what the tab showed before stays until the first page is there. */
export async function run(tab: string, statement: Statement, ask: Asked): Promise<Run | undefined> {
  cancel(tab)
  const stop = new AbortController()
  stops.set(tab, stop)
  asked.set(tab, ask)
  const before = useRuns.getState().byTab[tab]
  const fresh: Run = {
    statement, state: 'running', rows: before?.rows ?? [], isStale: (before?.rows.length ?? 0) > 0, selected: before?.selected, token: null, fetching: true, ms: 0, charge: 0, warnings: [], headers: [],
    error: undefined, at: ask.at, startedAt: Date.now(),
  }
  put(tab, fresh)
  const began = performance.now()
  try {
    const answer = await page(ask, { query: statement.text, ...parametersOf(ask) }, stop.signal)
    if (stop.signal.aborted) return undefined
    change(tab, {
      state: 'done', rows: answer.data.value.map(asRow), isStale: false, selected: selectedOf(statement.text), token: answer.data.continuationToken, fetching: false, ms: performance.now() - began,
      charge: Number(answer.headers.get('query-charge') ?? 0), warnings: warningsOf(answer.headers.get('kastor-warning')), headers: [...answer.headers].slice(0, MOST_HEADERS),
    })
  } catch (thrown) {
    if (stop.signal.aborted) return undefined
    // What was there before stays, and is told to be old.
    change(tab, { state: 'failed', error: asApiError(thrown), fetching: false, ms: performance.now() - began })
  }
  return useRuns.getState().byTab[tab]
}

/** Fetch the next page; returns whether there is one more. */
export async function more(tab: string): Promise<boolean> {
  const before = useRuns.getState().byTab[tab]
  const ask = asked.get(tab)
  if (!before || !ask || before.token === null || before.fetching) return false
  const stop = stops.get(tab) ?? new AbortController()
  change(tab, { fetching: true, error: undefined })
  try {
    const answer = await page(ask, { query: before.statement.text, continuationToken: before.token, ...parametersOf(ask) }, stop.signal)
    const now = useRuns.getState().byTab[tab]
    if (stop.signal.aborted || now?.statement !== before.statement) return false
    const from = now.rows.length
    change(tab, { rows: [...now.rows, ...answer.data.value.map((value, index) => asRow(value, from + index))], token: answer.data.continuationToken, fetching: false, charge: now.charge + Number(answer.headers.get('query-charge') ?? 0) })
    return answer.data.continuationToken !== null
  } catch (thrown) {
    if (!stop.signal.aborted) change(tab, { error: asApiError(thrown), fetching: false })
    return false
  }
}

/** Wait until no page is on its way. */
async function settled(tab: string): Promise<Run | undefined> {
  const isSettled = (): boolean => useRuns.getState().byTab[tab]?.fetching !== true
  if (!isSettled()) await new Promise<void>((resolve) => { const off = useRuns.subscribe(() => { if (isSettled()) { off(); resolve() } }) })
  return useRuns.getState().byTab[tab]
}

/** Fetch every page that is left, up to so many rows; they are shown now and then, since showing takes time too. */
export async function all(tab: string, most: number): Promise<Run | undefined> {
  const before = await settled(tab)
  const ask = asked.get(tab)
  if (!before || !ask || before.token === null || before.fetching) return before
  const stop = stops.get(tab) ?? new AbortController()
  const rows = [...before.rows]
  let token: string | null = before.token
  let { charge } = before
  let shownAt = performance.now()
  change(tab, { fetching: true, error: undefined })
  try {
    while (token !== null && rows.length < most) {
      const answer = await page(ask, { query: before.statement.text, continuationToken: token, ...parametersOf(ask) }, stop.signal, LARGE_PAGE)
      if (stop.signal.aborted || useRuns.getState().byTab[tab]?.statement !== before.statement) return undefined
      for (const value of answer.data.value) rows.push(asRow(value, rows.length))
      token = answer.data.continuationToken
      charge += Number(answer.headers.get('query-charge') ?? 0)
      if (performance.now() - shownAt < SHOW_EACH_MS) continue
      change(tab, { rows: [...rows], token, charge })
      shownAt = performance.now()
    }
    change(tab, { rows, token, charge, fetching: false })
  } catch (thrown) {
    if (!stop.signal.aborted) change(tab, { rows, token, charge, error: asApiError(thrown), fetching: false })
  }
  return useRuns.getState().byTab[tab]
}

/** Stop what is asked; the server stops with the request. */
export function cancel(tab: string): void {
  stops.get(tab)?.abort()
  stops.delete(tab)
  const before = useRuns.getState().byTab[tab]
  if (before?.fetching === true) change(tab, before.state === 'running' ? { state: 'cancelled', fetching: false, ms: Date.now() - before.startedAt } : { fetching: false })
}

/** Stop all that is asked, of whatever graph: its tabs may be forgotten already. */
export function cancelAll(): void { for (const tab of [...stops.keys()]) cancel(tab) }
onLeave(() => {
  cancelAll()
  asked.clear()
  useRuns.setState({ byTab: {} })
})

export function forget(tab: string): void {
  cancel(tab)
  asked.delete(tab)
  put(tab, undefined)
}

function page(ask: Asked, body: JsonObject, signal: AbortSignal, size = PAGE): ReturnType<typeof send<QueryPage>> {
  return send<QueryPage>(ask.graph, { method: 'POST', path: '/query', body, signal, at: ask.at, headers: { 'max-items-per-page': String(size) } })
}

function parametersOf(ask: Asked): { readonly parameters?: Readonly<Record<string, Json>> } {
  return Object.keys(ask.parameters).length > 0 ? { parameters: ask.parameters } : {}
}

/** The header holds texts in quotes, commas between. */
export function warningsOf(header: string | null): readonly string[] {
  return [...(header ?? '').matchAll(/"((?:[^"\\]|\\.)*)"/g)].map((hit) => (hit[1] ?? '').replace(/\\(.)/g, '$1'))
}
