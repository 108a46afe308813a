/** What EXPLAIN says of the queries of this page, before and after an index was built. */
import { create } from 'zustand'
import { type ApiError, asApiError } from '@/api/errors'
import { path, send } from '@/api/http'
import { isObject, type Json } from '@/api/json'
import type { QueryPage } from '@/api/types'
import { isExplain } from '@/lang/tokens'
import { onLeave } from '@/state/leaving'

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
    const before = byTab[tab] ?? { text: '', state: 'running', now: undefined, before: undefined, building: undefined, built: undefined, error: undefined }
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

async function ask(text: string, { graph, at, parameters }: Asked): Promise<Explained | undefined> {
  const query = isExplain(text) ? text : `EXPLAIN ${text}`
  const { data } = await send<QueryPage>(graph, { method: 'POST', path: '/query', at, body: { query, ...(Object.keys(parameters).length > 0 && { parameters }) } })
  return explainedOf(data.value[0])
}

export async function explain(tab: string, text: string, asked: Asked): Promise<void> {
  const known = useExplains.getState().byTab[tab]
  put(tab, { text, state: 'running', error: undefined, ...(known?.text !== text && { now: undefined, before: undefined, built: undefined }) })
  try {
    put(tab, { state: 'done', now: await ask(text, asked) })
  } catch (thrown) {
    put(tab, { state: 'failed', now: undefined, error: asApiError(thrown) })
  }
}

/** Build an index and explain again; what was before stays beside it. */
export async function build(tab: string, property: string, asked: Asked): Promise<void> {
  const before = useExplains.getState().byTab[tab]
  if (!before) return
  put(tab, { building: { path: property, since: Date.now() }, error: undefined })
  try {
    await send(asked.graph, { method: 'PUT', path: path('/kastor/v1/indexes/{property}', { property }) })
    put(tab, { building: undefined, built: property, before: before.now, now: await ask(before.text, asked) })
  } catch (thrown) {
    put(tab, { building: undefined, error: asApiError(thrown) })
  }
}
