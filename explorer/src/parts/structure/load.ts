/** Reads structure from the server: ids, models, labels and ends of lines, never whole twins (design 6.2). */
import { send } from '@/api/http'
import { isObject, type Json } from '@/api/json'
import { queryPages } from '@/api/pages'
import type { QueryPage, Twin } from '@/api/types'
import { isTwin } from '@/state/twins'
import { edgeColumns, edgeOf, foundIn, listOf, merged, nodeColumns, nodeOf, NOTHING, type Structure, type StructureEdge, type StructureNode } from './structure'

export interface Asked {
  readonly graph: string
  readonly at: string | undefined
  readonly signal?: AbortSignal
  readonly label: string | undefined
}

export interface Loaded {
  readonly structure: Structure
  /** There is more than is shown: how many in all, undefined where that is not known. */
  readonly cut: { readonly total: number | undefined } | undefined
}

const PAGE = 1000
export const CHUNK = 500
export const FIRST_CAP = 2000
export const LARGEST_CAP = 10_000
const MOST_LINES = 60_000

export async function rowsOf({ graph, at, signal }: Asked, query: string, most: number): Promise<readonly Json[]> {
  const rows: Json[] = []
  for await (const { data } of queryPages(graph, { query, at, signal, pageSize: PAGE })) {
    rows.push(...data.value)
    if (rows.length >= most) break
  }
  return rows
}

function present<T>(list: readonly (T | undefined)[]): readonly T[] { return list.filter((each) => each !== undefined) }

/** Read the whole graph if it has no more twins than `cap`; undefined if it has. */
export async function wholeGraph(asked: Asked, cap: number): Promise<Structure | undefined> {
  const lines = rowsOf(asked, `SELECT ${edgeColumns('R')} FROM RELATIONSHIPS R`, MOST_LINES)
  lines.catch(() => undefined)
  const nodes = await rowsOf(asked, `SELECT ${nodeColumns('T', asked.label)} FROM DIGITALTWINS T`, cap + 1)
  if (nodes.length > cap) return undefined
  return merged(NOTHING, present(nodes.map((row) => nodeOf(row, asked.label))), present((await lines).map(edgeOf)))
}

/** Read twins by their ids. */
export async function nodesById(asked: Asked, ids: readonly string[]): Promise<readonly StructureNode[]> {
  const chunks = chunked(ids).map((chunk) => rowsOf(asked, `SELECT ${nodeColumns('T', asked.label)} FROM DIGITALTWINS T WHERE T.$dtId IN ${listOf(chunk)}`, chunk.length))
  return present((await Promise.all(chunks)).flat().map((row) => nodeOf(row, asked.label)))
}

/** Read the lines that begin at twins, or also those that end there. */
export async function linesOf(asked: Asked, ids: readonly string[], ends: 'out' | 'in' | 'both'): Promise<readonly StructureEdge[]> {
  const one = (chunk: readonly string[], end: string): Promise<readonly Json[]> => rowsOf(asked, `SELECT ${edgeColumns('R')} FROM RELATIONSHIPS R WHERE R.${end} IN ${listOf(chunk)}`, MOST_LINES)
  const all = await Promise.all(chunked(ids).flatMap((chunk) => [...(ends === 'in' ? [] : [one(chunk, '$sourceId')]), ...(ends === 'out' ? [] : [one(chunk, '$targetId')])]))
  return [...new Map(present(all.flat().map(edgeOf)).map((edge) => [edge.key, edge])).values()]
}

/** Read what a query finds, and the lines among it. */
export async function byQuery(asked: Asked, query: string, cap: number): Promise<Loaded & { readonly twins: readonly Twin[] }> {
  const rows: Json[] = []
  let more = false
  for await (const { data } of queryPages(asked.graph, { query, at: asked.at, signal: asked.signal, pageSize: PAGE })) {
    rows.push(...data.value)
    more = rows.length >= cap && data.continuationToken !== null
    if (rows.length >= cap) break
  }
  const found = foundIn(rows)
  const ids = found.ids.slice(0, cap)
  const [nodes, lines] = await Promise.all([nodesById(asked, ids), linesOf(asked, ids, 'out')])
  const cut = more || found.ids.length > cap ? { total: await countOf(asked, query) } : undefined
  return { structure: merged(NOTHING, nodes, [...lines, ...found.edges]), cut, twins: found.twins.flatMap((each) => (isTwin(each) ? [each] : [])) }
}

/** How many rows a query has, where its text allows to ask; undefined where not. */
async function countOf(asked: Asked, query: string): Promise<number | undefined> {
  const from = /^\s*SELECT\s+(?:\*|[\w$.]+)\s+(FROM\s[\s\S]*)$/i.exec(query)?.[1]
  if (from === undefined || /\b(?:ORDER\s+BY|LIMIT|GROUP\s+BY|TOP)\b/i.test(query)) return undefined
  try {
    const [row] = await rowsOf(asked, `SELECT COUNT() AS n ${from}`, 1)
    return isObject(row) && typeof row['n'] === 'number' ? row['n'] : undefined
  } catch {
    return undefined
  }
}

/** Read whole twins by their ids. */
export async function twinsById(asked: Pick<Asked, 'graph' | 'at' | 'signal'>, ids: readonly string[]): Promise<readonly Twin[]> {
  const found: Twin[] = []
  for (const chunk of chunked(ids)) {
    const { data } = await send<QueryPage>(asked.graph, {
      method: 'POST', path: '/query', at: asked.at, signal: asked.signal, headers: { 'max-items-per-page': String(CHUNK) },
      body: { query: `SELECT * FROM DIGITALTWINS T WHERE T.$dtId IN ${listOf(chunk)}` },
    })
    for (const row of data.value) if (isTwin(row)) found.push(row)
  }
  return found
}

export function chunked<T>(list: readonly T[], size = CHUNK): readonly (readonly T[])[] {
  return Array.from({ length: Math.ceil(list.length / size) }, (_each, index) => list.slice(index * size, (index + 1) * size))
}
