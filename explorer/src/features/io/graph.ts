/** What every form of file becomes before it is sent: the text of an import. One way in, one check, one report. */
import { isObject, type Json, type JsonObject, parseJson, writeJson } from '@/api/json'

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

function listed(value: Json | undefined): readonly Json[] { return Array.isArray(value) ? value as readonly Json[] : [] }

/** Return a member whatever the case of its name. */
function member(value: Json | undefined, name: string): Json | undefined {
  if (!isObject(value)) return undefined
  const found = Object.keys(value).find((key) => key.toLowerCase() === name.toLowerCase())
  return found === undefined ? undefined : value[found]
}

/** Read the JSON of ADT Explorer. Sections may be missing, and their names may be written in any case. */
export function readExplorerJson(text: string): Graph {
  const faults: Fault[] = []
  let read: Json
  try {
    read = parseJson(text.replace(/^\uFEFF/, ''))
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
  const models = Array.isArray(read) ? read as readonly Json[] : isModel ? [read] : listed(member(read, 'digitalTwinsModels'))
  const relationships = rows(listed(member(graph, 'relationships')), '/digitalTwinsGraph/relationships')
  return {
    models: rows(models.map((each) => (isObject(member(each, 'model')) ? member(each, 'model') ?? each : each)), '/digitalTwinsModels'),
    twins: rows(listed(member(graph, 'digitalTwins')), '/digitalTwinsGraph/digitalTwins'),
    relationships: relationships.map((row) => ({ ...row, body: withSource(row.body) })),
    faults,
  }
}

/** Lines of an import name the source `$dtId` or `$sourceId`; both are known. */
function withSource(body: JsonObject): JsonObject {
  const source = body['$sourceId'] ?? body['$dtId']
  const id = body['$relationshipId'] ?? `${String(source)}-${String(body['$relationshipName'])}-${String(body['$targetId'])}`
  return { ...body, ...(source !== undefined && { $sourceId: source }), $relationshipId: id }
}

/** Read a file of an import as it is; only what the preview needs. */
export function countImport(text: string): { readonly models: number; readonly twins: number; readonly relationships: number } {
  const counts = { models: 0, twins: 0, relationships: 0 }
  let section = ''
  for (const line of text.split('\n')) {
    if (line.trim() === '') continue
    const found = /^\uFEFF?\s*\{\s*"Section"\s*:\s*"([^"]+)"\s*\}\s*$/.exec(line)
    if (found) section = (found[1] ?? '').toLowerCase()
    else if (section === 'models' || section === 'twins' || section === 'relationships') counts[section] += 1
  }
  return counts
}
