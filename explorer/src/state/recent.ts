/** The twins that were looked at last, by graph; this browser's own. */
import { keep, kept } from '@/api/kept'

export interface Recent { readonly id: string; readonly name: string; readonly model: string }

const MOST = 8

function keyOf(graph: string): string { return `kastor.recent.${graph}` }

function isRecent(value: unknown): value is Recent {
  return typeof value === 'object' && value !== null && 'id' in value && 'name' in value && 'model' in value
}

export function recentTwins(graph: string): readonly Recent[] {
  try {
    const read: unknown = JSON.parse(kept('browser', keyOf(graph)) ?? '[]')
    return Array.isArray(read) ? read.filter(isRecent) : []
  } catch {
    return []
  }
}

export function noteRecent(graph: string, twin: Recent): void {
  const rest = recentTwins(graph).filter((each) => each.id !== twin.id)
  keep('browser', keyOf(graph), JSON.stringify([twin, ...rest].slice(0, MOST)))
}
