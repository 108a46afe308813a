/** The columns of a result: what SELECT says, and what the rows have. */
import { ExactNumber, isObject, type Json, type JsonObject } from '@/api/json'
import type { Selected } from '@/lang/columns'
import { isTwin } from '@/state/twins'

export type ColumnKind = 'id' | 'twin' | 'relationship' | 'model' | 'number' | 'boolean' | 'text' | 'object'

export interface ResultColumn {
  readonly key: string
  readonly kind: ColumnKind
  /** Fraction digits that every number of the column is shown with. */
  readonly digits: number
  /** Not shown unless somebody wants it. */
  readonly quiet: boolean
  readonly width: number
}

/** A row as it is shown; `key` stays while it changes. */
export interface ResultRow {
  readonly key: string
  readonly value: JsonObject
  readonly mark?: 'added' | 'changed' | 'removed'
  /** Columns whose value is another than before. */
  readonly changed?: ReadonlySet<string>
}

/** Stands for the model of a row that is a twin. */
export const MODEL = '$metadata.$model'
const LOOKED_AT = 1000
const MOST_DIGITS = 6
const QUIET = new Set(['$etag', '$metadata'])

export function isRelationship(value: Json | undefined): value is JsonObject {
  return isObject(value) && typeof value['$relationshipId'] === 'string' && typeof value['$sourceId'] === 'string'
}

/** Whether a value is a path, or a list, of twins and relationships alone. */
export function isPath(value: Json | undefined): value is readonly Json[] {
  return Array.isArray(value) && value.length > 0 && (value as readonly Json[]).every((each) => isTwin(each) || isRelationship(each))
}

/** Return the value of a row in a column. */
export function valueOf(row: JsonObject, key: string): Json | undefined {
  if (key !== MODEL) return row[key]
  const metadata = row['$metadata']
  return isObject(metadata) ? metadata['$model'] : undefined
}

export function columnsOf(rows: readonly ResultRow[], selected: readonly Selected[] | undefined): readonly ResultColumn[] {
  const sample = rows.length > LOOKED_AT ? [...rows.slice(0, LOOKED_AT / 2), ...rows.slice(-LOOKED_AT / 2)] : rows
  const counts = new Map<string, number>()
  for (const { value } of sample) for (const key of Object.keys(value)) counts.set(key, (counts.get(key) ?? 0) + 1)
  const twins = selected === undefined && sample.some(({ value }) => isTwin(value))
  const keys = selected ? [...selected.map((each) => each.key), ...[...counts.keys()].filter((key) => !selected.some((each) => each.key === key))] : ordered(counts)
  const all = twins ? [keys[0] ?? '$dtId', MODEL, ...keys.slice(1)] : keys
  return all.map((key) => columnOf(key, sample, selected?.find((each) => each.key === key), selected === undefined && QUIET.has(key)))
}

/** Ids first, then what most rows have, in the order in which it was seen. */
function ordered(counts: ReadonlyMap<string, number>): string[] {
  const first = ['$dtId', '$relationshipId', '$relationshipName', '$sourceId', '$targetId']
  const rest = [...counts].filter(([key]) => !first.includes(key)).sort((a, b) => b[1] - a[1]).map(([key]) => key)
  return [...first.filter((key) => counts.has(key)), ...rest]
}

function columnOf(key: string, rows: readonly ResultRow[], selected: Selected | undefined, quiet: boolean): ResultColumn {
  const values = rows.map((row) => valueOf(row.value, key)).filter((value) => value !== undefined && value !== null)
  const kind = kindOf(key, values, selected)
  const digits = kind === 'number' ? Math.min(MOST_DIGITS, Math.max(0, ...values.map(digitsOf))) : 0
  return { key, kind, digits, quiet, width: widthOf(key, kind, values, digits) }
}

function kindOf(key: string, values: readonly Json[], selected: Selected | undefined): ColumnKind {
  if (key === MODEL || selected?.path.endsWith('$model') === true) return 'model'
  if (selected?.kind === 'twinId' || key === '$dtId' || key === '$sourceId' || key === '$targetId') return 'id'
  if (values.length === 0) return 'text'
  if (values.every((value) => isTwin(value))) return 'twin'
  if (values.every((value) => isRelationship(value))) return 'relationship'
  if (values.every((value) => typeof value === 'number' || value instanceof ExactNumber)) return 'number'
  if (values.every((value) => typeof value === 'boolean')) return 'boolean'
  return values.every((value) => typeof value !== 'object') ? 'text' : 'object'
}

function digitsOf(value: Json): number {
  const text = value instanceof ExactNumber ? value.text : String(value)
  return text.includes('e') ? 0 : (text.split('.')[1] ?? '').length
}

const CHARACTER = 7.4
const NARROW = 88
const WIDE = 340

function widthOf(key: string, kind: ColumnKind, values: readonly Json[], digits: number): number {
  const head = key.length * CHARACTER + 52
  if (kind === 'twin') return 280
  if (kind === 'object' && values.some(isPath)) return 600
  if (kind === 'relationship' || kind === 'object') return 260
  if (kind === 'model') return 180
  const longest = values.reduce<number>((most, value) => Math.max(most, kind === 'number' ? shown(value, kind, digits).length : shown(value, kind, 0).length), 0)
  return Math.round(Math.min(WIDE, Math.max(NARROW, head, longest * CHARACTER + 28)))
}

/** Return a value as one line of text. */
export function shown(value: Json | undefined, kind: ColumnKind, digits: number): string {
  if (value === undefined) return ''
  if (value instanceof ExactNumber) return value.text
  if (kind === 'number' && typeof value === 'number') return digits > 0 && !String(value).includes('e') && digitsOf(value) <= MOST_DIGITS ? value.toFixed(digits) : String(value)
  return typeof value === 'string' ? value : JSON.stringify(value)
}

/** Sort as the server does: what is missing first, then null, booleans, numbers, texts. */
export function compare(one: Json | undefined, other: Json | undefined): number {
  const rank = rankOf(one) - rankOf(other)
  if (rank !== 0) return rank
  if (typeof one === 'string' && typeof other === 'string') return one < other ? -1 : one > other ? 1 : 0
  if (isNumber(one) && isNumber(other)) return numberOf(one) - numberOf(other)
  if (typeof one === 'boolean' && typeof other === 'boolean') return Number(one) - Number(other)
  return JSON.stringify(one) < JSON.stringify(other) ? -1 : 1
}

function isNumber(value: Json | undefined): value is number | ExactNumber { return typeof value === 'number' || value instanceof ExactNumber }

export function numberOf(value: number | ExactNumber): number { return value instanceof ExactNumber ? Number(value.text) : value }

function rankOf(value: Json | undefined): number {
  if (value === undefined) return 0
  if (value === null) return 1
  if (typeof value === 'boolean') return 2
  if (isNumber(value)) return 3
  return typeof value === 'string' ? 4 : 5
}

/** Whether a row has what a filter asks for: `> 21`, `!= x`, else a part of the text. */
export function passes(value: Json | undefined, filter: string, column: ResultColumn): boolean {
  const [, sign, rest] = /^\s*(<=|>=|!=|=|<|>)\s*(.*?)\s*$/.exec(filter) ?? []
  const text = shown(value, column.kind, column.digits).toLowerCase()
  if (sign === undefined || rest === undefined || rest === '') return text.includes(filter.trim().toLowerCase())
  const wanted = Number(rest)
  if (isNumber(value) && !Number.isNaN(wanted)) return holds(numberOf(value) - wanted, sign)
  if (value === undefined) return sign === '!='
  return holds(text < rest.toLowerCase() ? -1 : text > rest.toLowerCase() ? 1 : 0, sign)
}

function holds(difference: number, sign: string): boolean {
  switch (sign) {
    case '=': return difference === 0
    case '!=': return difference !== 0
    case '<': return difference < 0
    case '<=': return difference <= 0
    case '>': return difference > 0
    default: return difference >= 0
  }
}

/** The twin that a row is of: its first column that says one. */
export function twinOf(row: JsonObject, columns: readonly ResultColumn[]): string | undefined {
  for (const column of columns) {
    const value = valueOf(row, column.key)
    if (column.kind === 'id' && typeof value === 'string') return value
    if (column.kind === 'twin' && isTwin(value)) return value.$dtId
  }
  return undefined
}

/** Lists and maps inside each other in which twins are looked for: a query may put them anywhere. */
const DEEPEST = 32

export interface Named { readonly twins: ReadonlySet<string>; readonly relationships: ReadonlySet<string> }

/** Every twin and every relationship that any column of any row names, in lists, maps and paths too. */
export function namedIn(rows: readonly ResultRow[], columns: readonly ResultColumn[]): Named {
  const twins = new Set<string>()
  const relationships = new Set<string>()
  const ids = columns.filter((column) => column.kind === 'id').map((column) => column.key)
  const look = (value: Json | undefined, depth: number): void => {
    if (isTwin(value)) twins.add(value.$dtId)
    else if (isRelationship(value)) {
      relationships.add(`${String(value['$sourceId'])}/${String(value['$relationshipId'])}`)
      twins.add(String(value['$sourceId']))
      twins.add(String(value['$targetId']))
    } else if (depth < DEEPEST && Array.isArray(value)) for (const each of value as readonly Json[]) look(each, depth + 1)
    else if (depth < DEEPEST && isObject(value)) for (const each of Object.values(value)) look(each, depth + 1)
  }
  for (const { value } of rows) {
    look(value, 0)
    for (const key of ids) if (typeof value[key] === 'string' && value[key] !== '') twins.add(value[key])
  }
  return { twins, relationships }
}
