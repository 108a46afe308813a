/** Files become tables or graphs; the readers of tables are loaded when one is there. */
import { type FileKind, kindOf } from '@/parts/files'
import { type Graph, readExplorerJson } from './graph'
import type { Cell, Table } from './tables'

export type Source =
  | { readonly kind: 'ndjson'; readonly file: File }
  | { readonly kind: 'graph'; readonly name: string; readonly graph: Graph }
  | { readonly kind: 'tables'; readonly name: string; readonly tables: readonly Table[] }
  | { readonly kind: 'unknown'; readonly name: string }

const HEAD_BYTES = 4096
const DELIMITERS = [',', ';', '\t', '|']
const MOST_TEXT = 200_000_000

/** Read a file for an import. Large files of imports stay files: they are sent as they are. */
export async function readSource(file: File): Promise<Source> {
  const kind: FileKind = kindOf(file.name, new Uint8Array(await file.slice(0, HEAD_BYTES).arrayBuffer()))
  if (kind === 'ndjson') return { kind: 'ndjson', file }
  if (kind === 'unknown' || file.size > MOST_TEXT) return { kind: 'unknown', name: file.name }
  if (kind === 'csv') return { kind: 'tables', name: file.name, tables: [await readCsv(file)] }
  if (kind === 'excel') return { kind: 'tables', name: file.name, tables: await readExcel(file) }
  return { kind: 'graph', name: file.name, graph: readExplorerJson(await file.text()) }
}

async function readCsv(file: File): Promise<Table> {
  const { default: Papa } = await import('papaparse')
  const text = (await file.text()).replace(/^\uFEFF/, '').replace(/^sep=.\r?\n/, '')
  const { data } = Papa.parse<string[]>(text, { skipEmptyLines: false, delimiter: delimiterOf(text) })
  return tableOf(file.name, data)
}

async function readExcel(file: File): Promise<readonly Table[]> {
  const { default: readSheets } = await import('read-excel-file/browser')
  const sheets = await readSheets(file)
  return sheets.filter((sheet) => !sheet.sheet.startsWith('#')).map((sheet) => tableOf(sheet.sheet, sheet.data.map((row) => row.map(cellOf)))).filter((table) => table.titles.length > 0)
}

/** The titles say what parts columns: of a few short rows it cannot be guessed. */
export function delimiterOf(text: string): string {
  const titles = text.split(/\r?\n/).find((line) => line.trim() !== '' && !line.startsWith('#')) ?? ''
  const bare = titles.replace(/"[^"]*"/g, '')
  return DELIMITERS.reduce((best, each) => (bare.split(each).length > bare.split(best).length ? each : best))
}

function cellOf(cell: unknown): Cell {
  if (cell instanceof Date) return cell.toISOString()
  return typeof cell === 'string' || typeof cell === 'number' || typeof cell === 'boolean' ? cell : null
}

/** The titles are the first row that is not empty and no remark. */
function tableOf(name: string, rows: readonly (readonly Cell[])[]): Table {
  const at = rows.findIndex((row) => row.some((cell) => cell !== null && cell !== '') && !String(row[0] ?? '').startsWith('#'))
  const titles = at < 0 ? [] : (rows[at] ?? []).map((cell) => String(cell ?? ''))
  return { name, titles, rows: at < 0 ? [] : rows.slice(at + 1), first: at + 2 }
}

export { type Table }
