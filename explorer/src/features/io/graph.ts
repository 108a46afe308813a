/** What every form of file becomes before it is sent: the text of an import. One way in, one check, one report. */
import { isObject, type Json, type JsonObject, parseJson, writeJson } from '@/api/json'
import type { Models } from '@/dtdl/models'
import { encodingOf } from './bytes'
import { modelsWith } from './definitions'

export interface Row {
  readonly body: JsonObject
  /** Where it stood: a line, a row of a sheet, a pointer. */
  readonly from: string
}

export interface Fault { readonly from: string; readonly text: string }

export interface Graph {
  readonly models: readonly Row[]
  readonly twins: readonly Row[]
  readonly relationships: readonly Row[]
  /** What could not be read; the rest can be. */
  readonly faults: readonly Fault[]
}

export const EMPTY: Graph = { models: [], twins: [], relationships: [], faults: [] }

export interface ImportText {
  readonly text: string
  /** By line of the text, from 1: where it came from. */
  readonly origins: ReadonlyMap<number, string>
}

/** Write a graph as the file of an import. */
export function importText(graph: Graph): ImportText {
  const lines: string[] = ['{"Section":"Header"}', '{"fileVersion":"1.0.0","author":"Kastor Explorer"}']
  const origins = new Map<number, string>()
  for (const [name, rows] of [['Models', graph.models], ['Twins', graph.twins], ['Relationships', graph.relationships]] as const) {
    if (rows.length === 0) continue
    lines.push(`{"Section":"${name}"}`)
    for (const row of rows) {
      lines.push(writeJson(row.body))
      origins.set(lines.length, row.from)
    }
  }
  return { text: `${lines.join('\n')}\n`, origins }
}

export type FileKind = 'ndjson' | 'explorer' | 'models' | 'excel' | 'csv' | 'unknown'

/** Tell what a file is by its content; its name only helps where the content cannot say. */
export function kindOf(name: string, head: Uint8Array): FileKind {
  if (head[0] === 0x50 && head[1] === 0x4b) return /\.xls[xm]$/i.test(name) || !/\.zip$/i.test(name) ? 'excel' : 'unknown'
  if ((head[0] === 0x1f && head[1] === 0x8b) || (head[0] === 0x28 && head[1] === 0xb5)) return 'ndjson'
  const text = new TextDecoder(encodingOf(head)).decode(head).trimStart()
  if (/^\{\s*"Section"/i.test(text)) return 'ndjson'
  if (/"digitalTwins(?:FileInfo|Models|Graph)"/i.test(text)) return 'explorer'
  if (/^[[{]/.test(text)) return /"@(?:id|type|context)"/.test(text) ? 'models' : 'explorer'
  return /\.(?:csv|tsv|txt)$/i.test(name) || /[,;\t]/.test(text.split('\n')[0] ?? '') ? 'csv' : 'unknown'
}

function listed(value: Json | undefined): readonly Json[] { return Array.isArray(value) ? value as readonly Json[] : [] }

/** Return a member whatever the case of its name. */
function member(value: Json | undefined, name: string): Json | undefined {
  if (!isObject(value)) return undefined
  const found = Object.keys(value).find((key) => key.toLowerCase() === name.toLowerCase())
  return found === undefined ? undefined : value[found]
}

/** Members that everything of a graph has; files write them in any case. */
const SYSTEM = new Map(['$dtId', '$metadata', '$model', '$etag', '$sourceId', '$targetId', '$relationshipId', '$relationshipName'].map((each) => [each.toLowerCase(), each]))

function inCase(body: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(body).map(([name, value]) => [SYSTEM.get(name.toLowerCase()) ?? name, name.toLowerCase() === '$metadata' && isObject(value) ? inCase(value) : value]))
}

/** Components that a model has: a twin without them is refused, so each is there, empty if nothing says more. */
export function componentsOf(models: Models, model: string): readonly string[] {
  return (models.get(model)?.contents ?? []).filter((each) => each.kind === 'component').map((each) => each.name)
}

/** Put in components that a twin lacks, and the metadata that they come without in files. */
export function withComponents(body: JsonObject, components: readonly string[]): JsonObject {
  const empty = Object.fromEntries(components.filter((each) => !Object.hasOwn(body, each)).map((each) => [each, { $metadata: {} }]))
  return { ...Object.fromEntries(Object.entries(body).map(([name, value]) => [name, components.includes(name) && isObject(value) ? { $metadata: {}, ...inCase(value) } : value])), ...empty }
}

function modelOf(body: JsonObject): string {
  const metadata = body['$metadata']
  const model = isObject(metadata) ? metadata['$model'] : undefined
  return typeof model === 'string' ? model : ''
}

/** Read the JSON of ADT Explorer. Sections may be missing, and their names may be written in any case. */
export function readExplorerJson(text: string, models: Models): Graph {
  const faults: Fault[] = []
  let read: Json
  try {
    read = parseJson(text)
  } catch (error) {
    return { ...EMPTY, faults: [{ from: '', text: error instanceof Error ? error.message : String(error) }] }
  }
  const rows = (values: readonly Json[], at: string): Row[] => values.flatMap((value, index) => {
    if (isObject(value)) return [{ body: value, from: `${at}/${index}` }]
    faults.push({ from: `${at}/${index}`, text: 'is no object' })
    return []
  })
  const graph = member(read, 'digitalTwinsGraph') ?? read
  // A file of one model is a list of one.
  const isModel = isObject(read) && ('@id' in read || '@type' in read)
  const definitions = Array.isArray(read) ? read as readonly Json[] : isModel ? [read] : listed(member(read, 'digitalTwinsModels'))
  const ofModels = rows(definitions.map((each) => (isObject(member(each, 'model')) ? member(each, 'model') ?? each : each)), '/digitalTwinsModels')
  const known = modelsWith(models, ofModels.map((row) => row.body))
  const twin = (row: Row): Row => { const body = inCase(row.body); return { ...row, body: withComponents(body, componentsOf(known, modelOf(body))) } }
  return {
    models: ofModels,
    twins: rows(listed(member(graph, 'digitalTwins')), '/digitalTwinsGraph/digitalTwins').map(twin),
    relationships: rows(listed(member(graph, 'relationships')), '/digitalTwinsGraph/relationships').map((row) => ({ ...row, body: withSource(inCase(row.body)) })),
    faults,
  }
}

/** Lines of an import name the source `$dtId` or `$sourceId`; both are known. */
function withSource(body: JsonObject): JsonObject {
  const { $dtId, ...rest } = body
  const source = rest['$sourceId'] ?? $dtId
  const id = rest['$relationshipId'] ?? `${String(source)}-${String(rest['$relationshipName'])}-${String(rest['$targetId'])}`
  return { ...rest, ...(source !== undefined && { $sourceId: source }), $relationshipId: id }
}
