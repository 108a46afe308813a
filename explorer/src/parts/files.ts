/** Files that somebody drops: what they are is told by what is in them, and another screen may take them. */

const MOST_FILES = 5000
const HEAD_BYTES = 4096

export type FileKind = 'ndjson' | 'explorer' | 'models' | 'excel' | 'csv' | 'unknown'

/** Tell what a file is by its content; its name only helps where the content cannot say. */
export function kindOf(name: string, head: Uint8Array): FileKind {
  if (head[0] === 0x50 && head[1] === 0x4b) return /\.xls[xm]$/i.test(name) || !/\.zip$/i.test(name) ? 'excel' : 'unknown'
  if ((head[0] === 0x1f && head[1] === 0x8b) || (head[0] === 0x28 && head[1] === 0xb5)) return 'ndjson'
  const text = new TextDecoder().decode(head).replace(/^\uFEFF/, '').trimStart()
  if (/^\{\s*"Section"/i.test(text)) return 'ndjson'
  if (/"digitalTwins(?:FileInfo|Models|Graph)"/i.test(text)) return 'explorer'
  if (/^[[{]/.test(text)) return /"@(?:id|type|context)"/.test(text) ? 'models' : 'explorer'
  return /\.(?:csv|tsv|txt)$/i.test(name) || /[,;\t]/.test(text.split('\n')[0] ?? '') ? 'csv' : 'unknown'
}

/** All files of a drop, those in folders included. */
export async function filesOf(transfer: DataTransfer): Promise<readonly File[]> {
  const items = [...transfer.items].map((item) => item.webkitGetAsEntry() ?? item.getAsFile()).filter((each) => each !== null)
  const files: File[] = []
  const walk = async (entry: FileSystemEntry): Promise<void> => {
    if (files.length >= MOST_FILES) return
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
  for (const each of items) {
    if (each instanceof File) files.push(each)
    else await walk(each)
  }
  return files
}

function isFile(entry: FileSystemEntry): entry is FileSystemFileEntry { return entry.isFile }
function isFolder(entry: FileSystemEntry): entry is FileSystemDirectoryEntry { return entry.isDirectory }

/** Where dropped files belong. */
export async function homeOf(files: readonly File[]): Promise<'models' | 'import'> {
  const kinds = await Promise.all(files.slice(0, MOST_FILES).map(async (file) => (/\.zip$/i.test(file.name) ? 'models' : kindOf(file.name, new Uint8Array(await file.slice(0, HEAD_BYTES).arrayBuffer())))))
  return kinds.every((each) => each === 'models') ? 'models' : 'import'
}

let handed: readonly File[] = []

/** Leave files for the screen that is opened next. */
export function handOver(files: readonly File[]): void { handed = files }

/** Take what was left for this screen, once. */
export function takeHanded(): readonly File[] {
  const files = handed
  handed = []
  return files
}
