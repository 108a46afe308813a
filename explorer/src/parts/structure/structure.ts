/** What the graph screen shows: twins and lines between them, without their values. Pure. */
import { isObject, type Json, type JsonObject } from '@/api/json'

export interface StructureNode {
  readonly id: string
  readonly model: string
  readonly label: string
  readonly level?: number
  readonly point?: readonly [number, number]
}

export interface StructureEdge {
  /** `source/id`, as in addresses. */
  readonly key: string
  readonly id: string
  readonly source: string
  readonly target: string
  readonly name: string
}

export interface Structure {
  readonly nodes: ReadonlyMap<string, StructureNode>
  readonly edges: ReadonlyMap<string, StructureEdge>
}

export const NOTHING: Structure = { nodes: new Map(), edges: new Map() }

/** Properties that name a twin, that stack it, and that place it on the earth, in the order in which they count. */
export const LABELS = ['name', 'displayName', 'label', 'title'] as const
export const LEVELS = ['level', 'floor', 'storey', 'floorLevel', 'levelNumber', 'floorNumber', 'elevation'] as const
export const POINTS = ['location', 'position', 'coordinates', 'geometry'] as const

const LONGEST_LABEL = 200

function property(path: string): string {
  return path.split('.').map((part) => (/^[A-Za-z_]\w*$/.test(part) ? part : `[[${part}]]`)).join('.')
}

/** Write a string of the query language. */
export function quoted(text: string): string { return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'` }

export function listOf(ids: readonly string[]): string { return `[${ids.map(quoted).join(', ')}]` }

/** The columns of a twin's structure; `alias` is the twin's. */
export function nodeColumns(alias: string, label: string | undefined): string {
  const labels = label === undefined || label === 'id' ? LABELS : [label, ...LABELS]
  return [
    `${alias}.$dtId AS id`, `${alias}.$metadata.$model AS model`,
    ...labels.map((path, index) => `${alias}.${property(path)} AS l${index}`),
    ...LEVELS.map((path, index) => `${alias}.${path} AS v${index}`),
    ...POINTS.map((path, index) => `${alias}.${path} AS p${index}`),
  ].join(', ')
}

export function edgeColumns(alias: string): string {
  return `${alias}.$sourceId AS s, ${alias}.$targetId AS t, ${alias}.$relationshipId AS i, ${alias}.$relationshipName AS n`
}

export function propertyOf(alias: string, path: string): string { return `${alias}.${property(path)}` }

function numbered(row: JsonObject, prefix: string, count: number): readonly Json[] {
  return Array.from({ length: count }, (_each, index) => row[`${prefix}${index}`]).filter((each) => each !== undefined)
}

function labelOf(values: readonly Json[], id: string): string {
  const found = values.find((each) => (typeof each === 'string' && each.trim() !== '') || typeof each === 'number' || typeof each === 'boolean')
  return found === undefined ? id : String(found as string | number | boolean).slice(0, LONGEST_LABEL)
}

/** Read a row of `nodeColumns`. */
export function nodeOf(row: Json, label: string | undefined): StructureNode | undefined {
  if (!isObject(row) || typeof row['id'] !== 'string') return undefined
  const id = row['id']
  const level = numbered(row, 'v', LEVELS.length).find((each) => typeof each === 'number')
  const point = numbered(row, 'p', POINTS.length).map(pointOf).find((each) => each !== undefined)
  return {
    id, model: typeof row['model'] === 'string' ? row['model'] : '',
    label: label === 'id' ? id : labelOf(numbered(row, 'l', LABELS.length + 1), id),
    ...(typeof level === 'number' && { level }), ...(point && { point }),
  }
}

function valueAt(twin: JsonObject, path: string): Json | undefined {
  return path.split('.').reduce<Json | undefined>((value, part) => (isObject(value) ? value[part] : undefined), twin)
}

/** Read a twin's document. */
export function nodeOfTwin(twin: JsonObject, label: string | undefined): StructureNode | undefined {
  const id = twin['$dtId']
  const metadata = twin['$metadata']
  if (typeof id !== 'string' || !isObject(metadata)) return undefined
  const labels = label === undefined || label === 'id' ? LABELS : [label, ...LABELS]
  const row: Record<string, Json> = { id, model: metadata['$model'] ?? '' }
  const fill = (prefix: string, paths: readonly string[]): void => paths.forEach((path, index) => {
    const value = valueAt(twin, path)
    if (value !== undefined) row[`${prefix}${index}`] = value
  })
  fill('l', labels)
  fill('v', LEVELS)
  fill('p', POINTS)
  return nodeOf(row, label)
}

/** Longitude and latitude of a GeoJSON value: a point's own, the middle of anything else's corners. */
export function pointOf(value: Json | undefined): readonly [number, number] | undefined {
  if (!isObject(value) || typeof value['type'] !== 'string') return undefined
  const corners: [number, number][] = []
  const walk = (each: Json | undefined, depth: number): void => {
    if (!Array.isArray(each) || depth > 4 || corners.length > 1000) return
    const [first, second] = each as readonly Json[]
    if (typeof first === 'number' && typeof second === 'number') corners.push([first, second])
    else (each as readonly Json[]).forEach((inner) => { walk(inner, depth + 1) })
  }
  walk(value['coordinates'], 0)
  const sum = corners.reduce(([x, y], [lon, lat]) => [x + lon, y + lat], [0, 0] as const)
  const [x, y] = [(sum[0] ?? 0) / corners.length, (sum[1] ?? 0) / corners.length]
  return Math.abs(x) <= 180 && Math.abs(y) <= 90 ? [x, y] : undefined
}

/** Read a row of `edgeColumns`, or a relationship's document. */
export function edgeOf(row: Json): StructureEdge | undefined {
  if (!isObject(row)) return undefined
  const [source, target, id, name] = [row['s'] ?? row['$sourceId'], row['t'] ?? row['$targetId'], row['i'] ?? row['$relationshipId'], row['n'] ?? row['$relationshipName']]
  if (typeof source !== 'string' || typeof target !== 'string' || typeof id !== 'string' || typeof name !== 'string') return undefined
  return { key: `${source}/${id}`, id, source, target, name }
}

/** Put nodes and edges into a structure; lines whose ends are not there are left out. */
export function merged(structure: Structure, nodes: Iterable<StructureNode>, edges: Iterable<StructureEdge>): Structure {
  const allNodes = new Map(structure.nodes)
  const allEdges = new Map(structure.edges)
  for (const node of nodes) allNodes.set(node.id, node)
  for (const edge of edges) if (allNodes.has(edge.source) && allNodes.has(edge.target)) allEdges.set(edge.key, edge)
  return { nodes: allNodes, edges: allEdges }
}

function sameNode(one: StructureNode | undefined, other: StructureNode): boolean {
  return one !== undefined && one.model === other.model && one.label === other.label && one.level === other.level && String(one.point) === String(other.point)
}

/** What was there at another instant beside what is shown already; the same structure where nothing is new. `gone` is what was not there then. */
export function throughTime(shown: Structure, then: Structure): { readonly structure: Structure; readonly gone: ReadonlySet<string> } {
  const nodes = [...then.nodes.values()].filter((node) => !sameNode(shown.nodes.get(node.id), node))
  const edges = [...then.edges.values()].filter((edge) => !shown.edges.has(edge.key))
  const gone = new Set([...[...shown.nodes.keys()].filter((id) => !then.nodes.has(id)), ...[...shown.edges.keys()].filter((key) => !then.edges.has(key))])
  return { structure: nodes.length + edges.length === 0 ? shown : merged(shown, nodes, edges), gone }
}

/** Take twins with their lines, and single lines, out of a structure. */
export function without(structure: Structure, ids: ReadonlySet<string>, keys: ReadonlySet<string> = new Set()): Structure {
  return {
    nodes: new Map([...structure.nodes].filter(([id]) => !ids.has(id))),
    edges: new Map([...structure.edges].filter(([key, edge]) => !keys.has(key) && !ids.has(edge.source) && !ids.has(edge.target))),
  }
}

/** What a result of a query holds, in any column of any row. */
export interface Found { readonly twins: readonly JsonObject[]; readonly ids: readonly string[]; readonly edges: readonly StructureEdge[] }

/** Lists, paths and maps inside each other in which twins are looked for. */
const DEEPEST = 32

export function foundIn(rows: readonly Json[]): Found {
  const twins = new Map<string, JsonObject>()
  const ids = new Set<string>()
  const edges = new Map<string, StructureEdge>()
  const look = (value: Json, depth: number): void => {
    if (depth > DEEPEST) return
    if (Array.isArray(value)) { for (const inner of value as readonly Json[]) look(inner, depth + 1); return }
    if (!isObject(value)) return
    const edge = edgeOf(value)
    if (edge) { edges.set(edge.key, edge); ids.add(edge.source).add(edge.target); return }
    const id = value['$dtId']
    if (typeof id === 'string') {
      ids.add(id)
      if (isObject(value['$metadata'])) twins.set(id, value)
      return
    }
    for (const inner of Object.values(value)) look(inner, depth + 1)
  }
  for (const row of rows) look(row, 0)
  return { twins: [...twins.values()], ids: [...ids], edges: [...edges.values()] }
}
