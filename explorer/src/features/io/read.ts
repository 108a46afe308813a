/** Files become tables or graphs; the readers of tables are loaded when one is there. */
import type { Models } from '@/dtdl/models'
import { textOf } from './bytes'
import { type FileKind, type Graph, kindOf, readExplorerJson } from './graph'
import { type Cell, joined, type Table } from './tables'

export type Source =
  | { readonly kind: 'ndjson'; readonly file: File }
  | { readonly kind: 'graph'; readonly name: string; readonly graph: Graph }
  /** Tables, and what stood in JSON beside them. */
  | { readonly kind: 'tables'; readonly name: string; readonly tables: readonly Table[]; readonly graph?: Graph }
  | { readonly kind: 'unknown'; readonly name: string }

const HEAD_BYTES = 4096
const DELIMITERS = [',', ';', '\t', '|']
const MOST_TEXT = 200_000_000
const GUESSED_ROWS = 20

const MOST_FILES = 50

/** Files that cannot be read as one import. */
export class NotTogether extends Error {}

/** Read files as one import: tables and JSON go together, the file of an import goes alone. */
export async function readSources(files: readonly File[], models: Models): Promise<Source | undefined> {
  const [first, ...others] = files
  if (!first || others.length === 0) return first && readSource(first, models)
  if (files.length > MOST_FILES) throw new NotTogether(String(MOST_FILES))
  const read = await Promise.all(files.map((file) => readSource(file, models)))
  const apart = read.find((each) => each.kind === 'ndjson' || each.kind === 'unknown')
  if (apart) throw new NotTogether(apart.kind === 'ndjson' ? apart.file.name : apart.kind === 'unknown' ? apart.name : '')
  const name = files.map((file) => file.name).join(', ')
  const graph = joined(read.flatMap((each) => (each.kind === 'graph' ? [within(each.name, each.graph)] : [])))
  const tables = read.flatMap((each) => (each.kind === 'tables' ? each.tables.map((table) => (table.name === each.name ? table : { ...table, name: `${each.name} ${table.name}` })) : []))
  return tables.length === 0 ? { kind: 'graph', name, graph } : { kind: 'tables', name, tables, graph }
}

/** Of several files, each row says from which it is. */
function within(name: string, graph: Graph): Graph {
  const placed = <T extends { readonly from: string }>(rows: readonly T[]): readonly T[] => rows.map((row) => ({ ...row, from: `${name} ${row.from}` }))
  return { models: placed(graph.models), twins: placed(graph.twins), relationships: placed(graph.relationships), faults: placed(graph.faults) }
}

/** Read a file for an import. Large files of imports stay files: they are sent as they are. */
export async function readSource(file: File, models: Models): Promise<Source> {
  const kind: FileKind = kindOf(file.name, new Uint8Array(await file.slice(0, HEAD_BYTES).arrayBuffer()))
  if (kind === 'ndjson') return { kind: 'ndjson', file }
  if (kind === 'unknown' || file.size > MOST_TEXT) return { kind: 'unknown', name: file.name }
  if (kind === 'csv') return { kind: 'tables', name: file.name, tables: [await readCsv(file.name, await textIn(file))] }
  if (kind === 'excel') return { kind: 'tables', name: file.name, tables: await readExcel(file) }
  return { kind: 'graph', name: file.name, graph: readExplorerJson(await textIn(file), models) }
}

async function textIn(file: File): Promise<string> { return textOf(new Uint8Array(await file.arrayBuffer())) }

export async function readCsv(name: string, text: string): Promise<Table> {
  const { default: Papa } = await import('papaparse')
  // A first line may say what separates; remarks above the titles are no table that would tell.
  const said = /^sep=(.)\r?\n/.exec(text)
  const body = text.replace(/^(?:sep=.\r?\n)?(?:"?#[^\n]*\n)*/, '')
  const delimiter = said?.[1] ?? delimiterOf(body, Papa.parse<string[]>(body, { preview: GUESSED_ROWS, skipEmptyLines: true }).meta.delimiter)
  const { data } = Papa.parse<string[]>(text, { delimiter, skipEmptyLines: false })
  return tableOf(name, said ? [[], ...data.slice(1).map(unguarded)] : data.map(unguarded))
}

/** Texts that a spreadsheet would run have an apostrophe before them in what Kastor writes. */
function unguarded(row: readonly string[]): readonly string[] {
  return row.map((each) => (/^'+(?:[=+\-@\t\r]|\s*$)/.test(each) ? each.slice(1) : each))
}

async function readExcel(file: File): Promise<readonly Table[]> {
  const { default: readSheets } = await import('read-excel-file/browser')
  const sheets = await readSheets(file)
  return sheets.filter((sheet) => !sheet.sheet.startsWith('#')).map((sheet) => tableOf(sheet.sheet, sheet.data.map((row) => row.map(cellOf)))).filter((table) => table.titles.length > 0)
}

/** What parts columns parts the titles: a guess that does not was made of too few rows. */
export function delimiterOf(text: string, guess?: string): string {
  const titles = text.split(/\r?\n/).find((line) => line.trim() !== '' && !line.startsWith('#')) ?? ''
  const bare = titles.replace(/"[^"]*"/g, '')
  if (guess !== undefined && bare.includes(guess)) return guess
  return DELIMITERS.reduce((best, each) => (bare.split(each).length > bare.split(best).length ? each : best))
}

function cellOf(cell: unknown): Cell {
  if (cell instanceof Date) return cell.toISOString()
  return typeof cell === 'string' || typeof cell === 'number' || typeof cell === 'boolean' ? cell : null
}

/** The titles are the first row that is not empty and no remark. */
export function tableOf(name: string, rows: readonly (readonly Cell[])[]): Table {
  const at = rows.findIndex((row) => row.some((cell) => cell !== null && cell !== '') && !String(row[0] ?? '').startsWith('#'))
  const titles = at < 0 ? [] : (rows[at] ?? []).map((cell) => String(cell ?? ''))
  const model = rows.slice(0, Math.max(0, at)).map((row) => /^#\s*model:\s*(\S+)/i.exec(String(row[0] ?? ''))?.[1]).find((each) => each !== undefined)
  return { name, titles, rows: at < 0 ? [] : rows.slice(at + 1), first: at + 2, ...(model !== undefined && { model }) }
}

export { type Table }
