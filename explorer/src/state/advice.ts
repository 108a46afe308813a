/** Indexes that EXPLAIN asked for, as this browser saw it, by graph. */
import { keep, kept } from '@/api/kept'

export interface AskedIndex { readonly path: string; readonly query: string }

const MOST = 20
const LONGEST = 300

function keyOf(graph: string): string { return `kastor.advice.${graph}` }

function isAsked(value: unknown): value is AskedIndex {
  return typeof value === 'object' && value !== null && 'path' in value && typeof value.path === 'string' && 'query' in value && typeof value.query === 'string'
}

/** The newest first. */
export function askedFor(graph: string): readonly AskedIndex[] {
  try {
    const read: unknown = JSON.parse(kept('browser', keyOf(graph)) ?? '[]')
    return Array.isArray(read) ? read.filter(isAsked) : []
  } catch {
    return []
  }
}

export function noteAdvice(graph: string, paths: readonly string[], query: string): void {
  if (paths.length === 0) return
  const rest = askedFor(graph).filter((each) => !paths.includes(each.path))
  keep('browser', keyOf(graph), JSON.stringify([...paths.map((path) => ({ path, query: query.slice(0, LONGEST) })), ...rest].slice(0, MOST)))
}
