/** Edits that are not saved yet. They outlive a reload, an expired token and a lost connection. */

const PREFIX = 'kastor.draft.'
const LONGEST = 500_000

/** Return a draft by graph, kind and name of its subject. */
export function readDraft(graph: string, kind: string, name: string): string | undefined {
  return sessionStorage.getItem(keyOf(graph, kind, name)) ?? undefined
}

/** Keep a draft; undefined forgets it. Returns whether it is kept: one may be too long. */
export function keepDraft(graph: string, kind: string, name: string, text: string | undefined): boolean {
  const key = keyOf(graph, kind, name)
  if (text === undefined) { sessionStorage.removeItem(key); return true }
  if (text.length > LONGEST) return false
  try {
    sessionStorage.setItem(key, text)
    return true
  } catch {
    return false
  }
}

/** Names of subjects of a kind that have a draft. */
export function draftsOf(graph: string, kind: string): readonly string[] {
  const prefix = keyOf(graph, kind, '')
  return Object.keys(sessionStorage).filter((key) => key.startsWith(prefix)).map((key) => decodeURIComponent(key.slice(prefix.length)))
}

function keyOf(graph: string, kind: string, name: string): string {
  return `${PREFIX}${encodeURIComponent(graph)}.${kind}.${encodeURIComponent(name)}`
}
