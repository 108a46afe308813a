/** Rows of a table become twins and relationships: by convention, or by a mapping that a person made. */
import { ExactNumber, isNumberText, type Json, type JsonObject, parseJson } from '@/api/json'
import { INTEGERS, REALS, type ResolvedSchema } from '@/dtdl/model'
import type { Models } from '@/dtdl/models'
import { componentsOf, EMPTY, type Fault, type Graph, type Row, withComponents } from './graph'
import { propertiesOfRelationships, type Slot, slotNamed } from './slots'

export type Cell = string | number | boolean | null
export interface Table {
  readonly name: string
  readonly titles: readonly string[]
  readonly rows: readonly (readonly Cell[])[]
  /** Number of the first row in the file. */
  readonly first: number
  /** The model that a remark above the titles names: that of rows that name none. */
  readonly model?: string
}

/** What a column is: `id`, `model`, `source`, `name`, `target`, `relationshipId`, `skip`, or a property's path. */
export type Role = 'id' | 'model' | 'source' | 'name' | 'target' | 'relationshipId' | 'skip' | `/${string}`
export interface Mapping { readonly roles: readonly Role[]; /** Model of rows that name none. */ readonly model: string | undefined }

const CONVENTION: Readonly<Record<string, Role>> = {
  '$dtid': 'id', 'id': 'id', '$metadata.$model': 'model', '$model': 'model', 'model': 'model',
  '$sourceid': 'source', '$relationshipname': 'name', '$targetid': 'target', '$relationshipid': 'relationshipId',
}

/** The convention of the documentation: names of columns say what is in them. */
export function byConvention(titles: readonly string[]): readonly Role[] {
  return titles.map((title): Role => {
    const known = CONVENTION[title.trim().toLowerCase()]
    if (known) return known
    return title.trim() === '' || title.startsWith('#') || title.startsWith('$') ? 'skip' : `/${title.trim().replaceAll('.', '/')}`
  })
}

/** Columns that the convention takes for properties which a model lacks are matched in whatever case, or by what people call them. */
export function matched(titles: readonly string[], roles: readonly Role[], slots: readonly Slot[]): readonly Role[] {
  return roles.map((role, at): Role => {
    if (!role.startsWith('/')) return role
    const found = slotNamed(slots, titles[at] ?? '')
    return found ? `/${found.path.replaceAll('.', '/')}` : role
  })
}

export class CellError extends Error {}

/** Make a value of a cell, as its schema wants it. */
export function valueOf(cell: Cell, schema: ResolvedSchema | undefined): Json {
  if (cell === null) return null
  const text = String(cell).trim()
  if (!schema) return typeof cell === 'string' && isNumberText(text) ? parseJson(text) : cell
  const { kind } = schema
  if (kind === 'boolean') {
    if (/^(?:true|yes|1)$/i.test(text)) return true
    if (/^(?:false|no|0)$/i.test(text)) return false
    throw new CellError(`“${text}” is neither true nor false`)
  }
  if (INTEGERS.some((each) => each === kind) || REALS.some((each) => each === kind)) {
    if (!isNumberText(text)) throw new CellError(`“${text}” is no number`)
    return parseJson(text)
  }
  if (kind === 'enum') {
    const found = schema.values.find((each) => String(each.value) === text || each.name === text)
    if (!found) throw new CellError(`“${text}” is none of ${schema.values.map((each) => each.name).join(', ')}`)
    return found.value
  }
  if (kind === 'object' || kind === 'array' || kind === 'map' || kind === 'scaledDecimal' || kind === 'ref' || /^(?:point|line|polygon|multi)/i.test(kind)) {
    try {
      return parseJson(text)
    } catch {
      throw new CellError(`“${text}” is no JSON`)
    }
  }
  // Spreadsheets know dates as midnights.
  return kind === 'date' ? text.replace(/^(\d{4}-\d\d-\d\d)T00:00:00(?:\.0+)?Z$/, '$1') : text
}

/** Set a value at a path, with the objects that lead there. */
export function put(target: Record<string, Json>, parts: readonly string[], value: Json): void {
  const [first, ...rest] = parts
  if (first === undefined) return
  if (rest.length === 0) { target[first] = value; return }
  const inner = target[first]
  const next: Record<string, Json> = typeof inner === 'object' && inner !== null && !Array.isArray(inner) && !(inner instanceof ExactNumber) ? { ...inner } as Record<string, Json> : {}
  put(next, rest, value)
  target[first] = next
}

function schemaAt(models: Models, model: string, parts: readonly string[]): ResolvedSchema | undefined { return models.contentAt(model, parts)?.schema }

/** Make a graph of a table. Rows that are wrong are told with their number; the others are read. */
export function readTable(table: Table, mapping: Mapping, models: Models): Graph {
  const twins: Row[] = []
  const relationships: Row[] = []
  const faults: Fault[] = []
  const column = (role: Role): number => mapping.roles.indexOf(role)
  const isRelationships = column('source') >= 0 && column('target') >= 0
  table.rows.forEach((cells, index) => {
    if (cells.every((cell) => cell === null || cell === '')) return
    const from = `${table.name} ${table.first + index}`
    const cell = (role: Role): string => { const at = column(role); return at < 0 ? '' : String(cells[at] ?? '').trim() }
    try {
      if (isRelationships) relationships.push({ from, body: relationshipOf(cells, mapping, cell, models) })
      else twins.push({ from, body: twinOf(cells, mapping, cell, models) })
    } catch (error) {
      faults.push({ from, text: error instanceof Error ? error.message : String(error) })
    }
  })
  return { ...EMPTY, twins, relationships, faults }
}

type CellOf = (role: Role) => string

function twinOf(cells: readonly Cell[], mapping: Mapping, cell: CellOf, models: Models): JsonObject {
  const id = cell('id')
  const model = cell('model') || (mapping.model ?? '')
  if (id === '') throw new CellError('the row has no id')
  if (model === '') throw new CellError('the row has no model')
  const body: Record<string, Json> = { $dtId: id, $metadata: { $model: model } }
  for (const name of componentsOf(models, model)) body[name] = { $metadata: {} }
  properties(cells, mapping, body, (parts) => schemaAt(models, model, parts))
  return body
}

function relationshipOf(cells: readonly Cell[], mapping: Mapping, cell: CellOf, models: Models): JsonObject {
  const [source, name, target] = [cell('source'), cell('name'), cell('target')]
  if (source === '' || name === '' || target === '') throw new CellError('the row names no source, relationship or target')
  const body: Record<string, Json> = { $sourceId: source, $relationshipName: name, $targetId: target, $relationshipId: cell('relationshipId') || `${source}-${name}-${target}` }
  // What several models call the same is typed by the first of them that has such a property.
  const declared = propertiesOfRelationships(models, { name })
  properties(cells, mapping, body, ([first]) => declared.find((each) => each.name === first)?.schema)
  return body
}

function properties(cells: readonly Cell[], mapping: Mapping, body: Record<string, Json>, schema: (parts: readonly string[]) => ResolvedSchema | undefined): void {
  mapping.roles.forEach((role, at) => {
    const cell = cells[at] ?? null
    if (!role.startsWith('/') || cell === null || cell === '') return
    const parts = role.slice(1).split('/')
    try {
      put(body, parts, valueOf(cell, schema(parts)))
    } catch (error) {
      throw new CellError(`${parts.join('.')}: ${error instanceof Error ? error.message : String(error)}`)
    }
  })
}

const EXPLORER = ['modelid', 'id', 'relationship (from)', 'relationship name', 'init data', 'relationship init data'] as const

/** Whether a table has the titles of ADT Explorer's sheets. */
export function isExplorerSheet(titles: readonly string[]): boolean {
  const low = titles.map((title) => title.trim().toLowerCase())
  return low.includes('modelid') && low.some((title) => title.startsWith('relationship (from)') || title === 'relationship name')
}

/** Read a sheet of ADT Explorer: a row is a twin, and the relationship that leads to it. */
export function readExplorerSheet(table: Table, models: Models): Graph {
  const low = table.titles.map((title) => title.trim().toLowerCase())
  const at = Object.fromEntries(EXPLORER.map((title) => [title, low.findIndex((each) => each === title || (title === 'id' && (each === 'id' || each.startsWith('id ('))) || (title !== 'id' && each.startsWith(title)))]))
  const twins = new Map<string, Row>()
  const relationships: Row[] = []
  const faults: Fault[] = []
  table.rows.forEach((cells, index) => {
    const from = `${table.name} ${table.first + index}`
    const text = (title: (typeof EXPLORER)[number]): string => String(cells[at[title] ?? -1] ?? '').trim()
    if (text('id') === '' && text('modelid') === '') return
    const json = (title: 'init data' | 'relationship init data'): JsonObject | undefined => {
      if (text(title) === '') return {}
      try {
        return parseJson(text(title)) as JsonObject
      } catch {
        faults.push({ from, text: `${title}: no JSON` })
        return undefined
      }
    }
    const [id, model, source, name] = [text('id'), text('modelid'), text('relationship (from)'), text('relationship name')]
    const data = json('init data')
    const ofRelationship = json('relationship init data')
    if (id === '' || (model === '' && !twins.has(id))) { faults.push({ from, text: id === '' ? 'the row has no id' : 'the row has no model' }); return }
    if (!data || !ofRelationship) return
    if (!twins.has(id)) {
      twins.set(id, { from, body: withComponents({ $dtId: id, $metadata: { $model: model }, ...data }, componentsOf(models, model)) })
    }
    if (source !== '' && name !== '') relationships.push({ from, body: { $sourceId: source, $targetId: id, $relationshipName: name, $relationshipId: `${source}-${name}-${id}`, ...ofRelationship } })
  })
  return { ...EMPTY, twins: [...twins.values()], relationships, faults }
}

export function joined(graphs: readonly Graph[]): Graph {
  return { models: graphs.flatMap((each) => each.models), twins: graphs.flatMap((each) => each.twins), relationships: graphs.flatMap((each) => each.relationships), faults: graphs.flatMap((each) => each.faults) }
}
