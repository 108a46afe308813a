/** Edits that are not saved yet. They outlive a reload, an expired token and a lost connection. */
import { keep, kept, keysOf } from '@/api/kept'

const PREFIX = 'kastor.draft.'
/** Of a draft, in characters. */
export const LONGEST_DRAFT = 500_000

/** Return a draft by graph, kind and name of its subject. */
export function readDraft(graph: string, kind: string, name: string): string | undefined {
  return kept('tab', keyOf(graph, kind, name))
}

/** Keep a draft; undefined forgets it. Returns whether it is kept: one may be too long, and then none is. */
export function keepDraft(graph: string, kind: string, name: string, text: string | undefined): boolean {
  const key = keyOf(graph, kind, name)
  if ((text === undefined || text.length <= LONGEST_DRAFT) && keep('tab', key, text)) return true
  // An older draft is not this one.
  keep('tab', key, undefined)
  return false
}

/** Names of subjects of a kind that have a draft. */
export function draftsOf(graph: string, kind: string): readonly string[] {
  const prefix = keyOf(graph, kind, '')
  return keysOf('tab').filter((key) => key.startsWith(prefix)).map((key) => decodeURIComponent(key.slice(prefix.length)))
}

function keyOf(graph: string, kind: string, name: string): string {
  return `${PREFIX}${encodeURIComponent(graph)}.${kind}.${encodeURIComponent(name)}`
}
