/** What was dropped: the files in it, and which screen takes them. Their content decides, and their names where that says nothing. */
import type { Taker } from '@/state/handed'

const HEAD_BYTES = 65_536
export const MOST_FILES = 5_000
/** Of very many files these are looked into. */
const MOST_READ = 50

export interface Meant {
  readonly to: Taker
  readonly files: readonly File[]
  /** Those that do not belong to it. */
  readonly left: readonly File[]
}

/** What is in a drop. Only while it is told of: whoever waits first finds nothing in it. */
export function entriesOf(transfer: DataTransfer | null): readonly (FileSystemEntry | File)[] {
  return [...transfer?.items ?? []].flatMap((item) => { const entry = item.webkitGetAsEntry() ?? item.getAsFile(); return entry ? [entry] : [] })
}

/** Files of a drop, those in folders included: as many as are taken, and one beyond where there are more. */
export async function filesIn(entries: readonly (FileSystemEntry | File)[]): Promise<readonly File[]> {
  const files: File[] = []
  const walk = async (entry: FileSystemEntry): Promise<void> => {
    if (files.length > MOST_FILES) return
    if (isFile(entry)) files.push(await new Promise<File>((resolve, reject) => { entry.file(resolve, reject) }))
    else if (isFolder(entry)) {
      const reader = entry.createReader()
      for (;;) {
        const some = await new Promise<FileSystemEntry[]>((resolve, reject) => { reader.readEntries(resolve, reject) })
        if (some.length === 0) break
        for (const each of some) await walk(each)
      }
    }
  }
  for (const entry of entries) { if (entry instanceof File) files.push(entry); else await walk(entry) }
  return files
}

function isFile(entry: FileSystemEntry): entry is FileSystemFileEntry { return entry.isFile }
function isFolder(entry: FileSystemEntry): entry is FileSystemDirectoryEntry { return entry.isDirectory }

/** What the beginning of a file says that it is. */
export function kindOfHead(name: string, head: string): 'graph' | 'models' | 'unknown' {
  if (/\.zip$/i.test(name)) return 'models'
  if (/\.(?:ndjson|jsonl|csv|tsv|xlsx)$/i.test(name)) return 'graph'
  if (/"(?:digitalTwinsFileInfo|digitalTwinsGraph|Section)"\s*:/.test(head)) return 'graph'
  if (/"@type"\s*:\s*(?:\[[^\]]*)?"Interface"/.test(head)) return 'models'
  return 'unknown'
}

/** Say who takes files; `unknown` where nothing says it. What is dropped together is one import, which says what does not fit. */
export async function meantFor(files: readonly File[], unknown: Taker): Promise<Meant | undefined> {
  const kinds = await Promise.all(files.slice(0, MOST_READ).map(async (file) => kindOfHead(file.name, /\.(?:zip|xlsx)$/i.test(file.name) ? '' : await file.slice(0, HEAD_BYTES).text())))
  const graph = kinds.includes('graph')
  const models = kinds.filter((kind) => kind === 'models').length
  if (files.length === 0) return undefined
  // Folders of models hold other files too, such as tables and notes; models that come along with a graph are in its file.
  if (models > 1 || (models === 1 && !graph)) {
    const isTaken = (file: File, index: number): boolean => (kinds[index] ?? 'models') === 'models' || /\.json$/i.test(file.name)
    return { to: 'models', files: files.filter(isTaken), left: files.filter((file, index) => !isTaken(file, index)) }
  }
  return { to: graph ? 'io' : unknown, files, left: [] }
}
