/** Queries that were run, and queries that are saved where the server keeps none: in this browser's database. */

export interface HistoryEntry {
  readonly graph: string
  readonly text: string
  /** When it was last run, or its tab closed. */
  readonly at: number
  /** Rows that were seen; undefined: it was never run. */
  readonly rows?: number
  readonly more?: boolean
  readonly ms?: number
  readonly star: boolean
}

export interface BrowserQuery { readonly graph: string; readonly name: string; readonly text: string; readonly at: number }

export const MOST_KEPT = 200
const LONGEST = 65_536
const NAME = 'kastor.queries'

let opened: Promise<IDBDatabase> | undefined

function database(): Promise<IDBDatabase> {
  opened ??= new Promise((resolve, reject) => {
    const request = indexedDB.open(NAME, 1)
    request.onupgradeneeded = () => {
      const history = request.result.createObjectStore('history', { keyPath: ['graph', 'text'] })
      history.createIndex('at', ['graph', 'at'])
      request.result.createObjectStore('saved', { keyPath: ['graph', 'name'] })
    }
    request.onsuccess = () => { resolve(request.result) }
    request.onerror = () => { opened = undefined; reject(request.error ?? new Error('The browser keeps no database.')) }
  })
  return opened
}

function done<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => { resolve(request.result) }
    request.onerror = () => { reject(request.error ?? new Error('The browser’s database failed.')) }
  })
}

async function store(name: 'history' | 'saved', mode: IDBTransactionMode): Promise<IDBObjectStore> {
  return (await database()).transaction(name, mode).objectStore(name)
}

/** All keys of one graph. */
function of(graph: string): IDBKeyRange { return IDBKeyRange.bound([graph], [graph, []]) }

/** The history of a graph, newest first. */
export async function history(graph: string): Promise<readonly HistoryEntry[]> {
  const entries: HistoryEntry[] = await done((await store('history', 'readonly')).getAll(of(graph)))
  return entries.sort((a, b) => b.at - a.at)
}

/** Note a text; the same text again moves up. The oldest without a star go. */
export async function note(entry: Omit<HistoryEntry, 'star'>): Promise<void> {
  if (entry.text.trim() === '' || entry.text.length > LONGEST) return
  const known: HistoryEntry | undefined = await done((await store('history', 'readonly')).get([entry.graph, entry.text]))
  const fresh: HistoryEntry = { ...known, ...entry, star: known?.star ?? false }
  await done((await store('history', 'readwrite')).put(fresh))
  const all = await history(entry.graph)
  const surplus = all.filter((each) => !each.star).slice(MOST_KEPT)
  if (surplus.length === 0) return
  const writing = await store('history', 'readwrite')
  await Promise.all(surplus.map((each) => done(writing.delete([each.graph, each.text]))))
}

export async function setStar(entry: HistoryEntry, star: boolean): Promise<void> { await done((await store('history', 'readwrite')).put({ ...entry, star })) }

export async function forgetEntry(entry: HistoryEntry): Promise<void> { await done((await store('history', 'readwrite')).delete([entry.graph, entry.text])) }

export async function browserQueries(graph: string): Promise<readonly BrowserQuery[]> {
  const all: BrowserQuery[] = await done((await store('saved', 'readonly')).getAll(of(graph)))
  return all.sort((a, b) => a.name.localeCompare(b.name))
}

export async function keepQuery(query: BrowserQuery): Promise<void> { await done((await store('saved', 'readwrite')).put(query)) }

export async function dropQuery(graph: string, name: string): Promise<void> { await done((await store('saved', 'readwrite')).delete([graph, name])) }
