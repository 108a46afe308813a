/** What is kept for this tab or in this browser. Both may be full, or closed to this page: then nothing is kept, and nothing breaks. */

export type Where = 'tab' | 'browser'

function storageOf(where: Where): Storage { return where === 'tab' ? sessionStorage : localStorage }

export function kept(where: Where, key: string): string | undefined {
  try {
    return storageOf(where).getItem(key) ?? undefined
  } catch {
    return undefined
  }
}

/** Keep a text; undefined forgets it. Returns whether it is so; else what was kept before stays. */
export function keep(where: Where, key: string, text: string | undefined): boolean {
  try {
    const storage = storageOf(where)
    if (text === undefined) storage.removeItem(key)
    else storage.setItem(key, text)
    return true
  } catch {
    return false
  }
}

/** Names under which something is kept. */
export function keysOf(where: Where): readonly string[] {
  try {
    return Object.keys(storageOf(where))
  } catch {
    return []
  }
}
