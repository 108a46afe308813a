/** What EXPLAIN says of the queries of this page, before and after an index was built. */
import { create } from 'zustand'
import { type ApiError, asApiError } from '@/api/errors'
import { path, send } from '@/api/http'
import { isObject, type Json } from '@/api/json'
import type { QueryPage } from '@/api/types'
import { isExplain } from '@/lang/query'
import { noteAdvice } from '@/state/advice'
import { onLeave, visitNow } from '@/state/leaving'
import { toast } from '@/ui/toasts'

export interface Step { readonly text: string; readonly depth: number; readonly isScan: boolean }

export interface Explained {
  readonly steps: readonly Step[]
  readonly sql: string
  readonly parameters: readonly Json[]
  readonly rows: number
  readonly milliseconds: number
  readonly advice: readonly string[]
  readonly warnings: readonly string[]
}

export interface Explaining {
  readonly text: string
  /** The instant that it was asked of. */
  readonly at: string | undefined
  readonly state: 'running' | 'done' | 'failed'
  readonly now: Explained | undefined
  /** As it was before an index was built. */
  readonly before: Explained | undefined
  /** The property whose index is being built, and since when. */
  readonly building: { readonly path: string; readonly since: number } | undefined
  readonly built: string | undefined
  readonly error: ApiError | undefined
}

export const useExplains = create<{ readonly byTab: Readonly<Record<string, Explaining>> }>(() => ({ byTab: {} }))
onLeave(() => { useExplains.setState({ byTab: {} }) })

interface Asked { readonly graph: string; readonly at: string | undefined; readonly parameters: Readonly<Record<string, Json>> }

function put(tab: string, change: Partial<Explaining>): void {
  useExplains.setState(({ byTab }) => {
    const before = byTab[tab] ?? { text: '', at: undefined, state: 'running', now: undefined, before: undefined, building: undefined, built: undefined, error: undefined }
    return { byTab: { ...byTab, [tab]: { ...before, ...change } } }
  })
}

function texts(value: Json | undefined): readonly string[] { return Array.isArray(value) ? (value as readonly Json[]).map((each) => (typeof each === 'string' ? each : JSON.stringify(each))) : [] }

/** Steps with their depth: PostgreSQL indents, SQLite names what begins a part of its own. */
export function stepsOf(lines: readonly string[]): readonly Step[] {
  const indented = lines.some((line) => /^\s+->/.test(line))
  let inside = 0
  let below = false
  return lines.map((line) => {
    const text = line.trim().replace(/^->\s*/, '')
    const opens = /^(?:CO-ROUTINE|MATERIALIZE) /.test(text)
    const asks = /^(?:CORRELATED )?(?:SCALAR|LIST) SUBQUERY/.test(text)
    // The scan of what a part made ends the part.
    if (/^SCAN k\d*$/.test(text)) inside = 0
    const depth = indented ? Math.floor((/^\s*/.exec(line)?.[0].length ?? 0) / 6) : inside + (below ? 1 : 0)
    if (opens) inside += 1
    below = asks
    return { text, depth, isScan: /^SCAN (?!k\d*$)|^(?:Parallel )?Seq Scan/.test(text) && !/USING (?:COVERING )?INDEX/.test(text) }
  })
}

export function explainedOf(row: Json | undefined): Explained | undefined {
  if (!isObject(row)) return undefined
  const { sql, parameters, rows, milliseconds } = row
  return {
    steps: stepsOf(texts(row['steps'])), sql: typeof sql === 'string' ? sql : '', parameters: Array.isArray(parameters) ? (parameters as readonly Json[]) : [],
    rows: typeof rows === 'number' ? rows : 0, milliseconds: typeof milliseconds === 'number' ? milliseconds : 0, advice: texts(row['advice']), warnings: texts(row['warnings']),
  }
}

/** The property that an advice wants an index of. */
export function adviceOf(text: string): string | undefined { return /kastor index create (\S+)/.exec(text)?.[1] }

async function ask(text: string, { graph, at, parameters }: Asked, signal?: AbortSignal): Promise<Explained | undefined> {
  const query = isExplain(text) ? text : `EXPLAIN ${text}`
  const { data } = await send<QueryPage>(graph, { method: 'POST', path: '/query', at, signal, body: { query, ...(Object.keys(parameters).length > 0 && { parameters }) } })
  return explainedOf(data.value[0])
}

const stops = new Map<string, AbortController>()

/** Whether what is explained in a tab is this text, of this instant. */
export function isOf(explaining: Explaining | undefined, text: string, at: string | undefined): boolean { return explaining?.text === text && explaining.at === at }

/** Explain a text; of two that are asked one after the other the last one is told. */
export async function explain(tab: string, text: string, asked: Asked): Promise<void> {
  stops.get(tab)?.abort()
  const stop = new AbortController()
  stops.set(tab, stop)
  const isSame = isOf(useExplains.getState().byTab[tab], text, asked.at)
  put(tab, { text, at: asked.at, state: 'running', error: undefined, ...(!isSame && { now: undefined, before: undefined, built: undefined }) })
  try {
    const now = await ask(text, asked, stop.signal)
    if (stop.signal.aborted) return
    put(tab, { state: 'done', now })
    noteAdvice(asked.graph, (now?.advice ?? []).map(adviceOf).filter((each) => each !== undefined), text)
  } catch (thrown) {
    if (!stop.signal.aborted) put(tab, { state: 'failed', now: undefined, error: asApiError(thrown) })
  }
}

/** Build an index and explain again; what was before stays beside it. */
export async function build(tab: string, property: string, asked: Asked): Promise<void> {
  const before = useExplains.getState().byTab[tab]
  if (!before) return
  const visit = visitNow()
  // Meanwhile another text may be explained here, or another graph be open.
  const isThere = (): boolean => visit === visitNow() && isOf(useExplains.getState().byTab[tab], before.text, before.at)
  put(tab, { building: { path: property, since: Date.now() }, error: undefined })
  try {
    await send(asked.graph, { method: 'PUT', path: path('/kastor/v1/indexes/{property}', { property }) })
    const now = isThere() ? await ask(before.text, asked) : undefined
    if (isThere()) put(tab, { built: property, before: before.now, now })
  } catch (thrown) {
    if (isThere()) put(tab, { error: asApiError(thrown) })
    else toast({ kind: 'error', text: asApiError(thrown).message })
  }
  if (visit === visitNow()) put(tab, { building: undefined })
}
