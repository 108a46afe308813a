/** Shapes of GeoJSON as vertices that can be moved. Coordinates that are not touched stay as they were sent. Pure. */
import { isObject, type Json, type JsonObject } from '@/api/json'

export const SHAPES: Readonly<Record<string, { readonly type: string; readonly depth: number; readonly ring: boolean }>> = {
  point: { type: 'Point', depth: 0, ring: false },
  multiPoint: { type: 'MultiPoint', depth: 1, ring: false },
  lineString: { type: 'LineString', depth: 1, ring: false },
  multiLineString: { type: 'MultiLineString', depth: 2, ring: false },
  polygon: { type: 'Polygon', depth: 2, ring: true },
  multiPolygon: { type: 'MultiPolygon', depth: 3, ring: true },
}

const FIRST: Readonly<Record<number, (ring: boolean) => Json>> = {
  0: () => [0, 0],
  1: () => [[0, 0], [1, 1]],
  2: (ring) => [ring ? [[0, 0], [1, 0], [1, 1], [0, 0]] : [[0, 0], [1, 1]]],
  3: () => [[[[0, 0], [1, 0], [1, 1], [0, 0]]]],
}

export interface Vertex {
  /** Where it stands in the coordinates. */
  readonly at: readonly number[]
  readonly x: number
  readonly y: number
}

export interface Line { readonly vertices: readonly Vertex[]; readonly closed: boolean }

const SHORTEST_RING = 4

export function firstShape(kind: string): JsonObject | undefined {
  const shape = SHAPES[kind]
  return shape && { type: shape.type, coordinates: FIRST[shape.depth]?.(shape.ring) ?? [] }
}

function isPosition(value: Json): value is readonly Json[] {
  return Array.isArray(value) && value.length >= 2 && (value as readonly Json[]).every((each) => typeof each !== 'object' || (each !== null && 'text' in each))
}

/** Return the lines of a shape, undefined where it is none of its kind. */
export function linesOf(kind: string, value: Json | undefined): readonly Line[] | undefined {
  const shape = SHAPES[kind]
  const coordinates = isObject(value) ? value['coordinates'] : undefined
  if (!shape || coordinates === undefined) return undefined
  const lines: Line[] = []
  const walk = (here: Json, depth: number, at: readonly number[]): boolean => {
    if (depth === 0) {
      if (!isPosition(here)) return false
      lines.push({ vertices: [{ at, x: Number(here[0]), y: Number(here[1]) }], closed: false })
      return true
    }
    if (!Array.isArray(here)) return false
    const parts = here as readonly Json[]
    if (depth > 1 || kind === 'multiPoint') return parts.every((each, index) => walk(each, depth - 1, [...at, index]))
    if (!parts.every(isPosition)) return false
    lines.push({ vertices: parts.map((each, index) => ({ at: [...at, index], x: Number(each[0]), y: Number(each[1]) })), closed: shape.ring })
    return true
  }
  return walk(coordinates, shape.depth, []) ? lines : undefined
}

function changed(coordinates: Json, at: readonly number[], change: (list: readonly Json[], index: number) => readonly Json[]): Json {
  const [first, ...rest] = at
  if (!Array.isArray(coordinates) || first === undefined) return coordinates
  const list = coordinates as readonly Json[]
  if (rest.length === 0) return change(list, first)
  return list.map((each, index) => (index === first ? changed(each, rest, change) : each))
}

function withCoordinates(value: JsonObject, coordinates: Json): JsonObject { return { ...value, coordinates } }

/** Give a vertex other coordinates; what is not given stays as it was sent, and the end of a ring goes along with its beginning. */
export function moveVertex(kind: string, value: JsonObject, at: readonly number[], x: Json | undefined, y: Json | undefined): JsonObject {
  const coordinates = value['coordinates'] ?? []
  const moved = (position: Json | undefined): Json => {
    const [oldX = 0, oldY = 0, ...others] = Array.isArray(position) ? (position as readonly Json[]) : []
    return [x ?? oldX, y ?? oldY, ...others]
  }
  if (at.length === 0) return withCoordinates(value, moved(coordinates))
  return withCoordinates(value, changed(coordinates, at, (list, index) => list.map((each, here) => {
    const end = SHAPES[kind]?.ring === true && ((index === 0 && here === list.length - 1) || (index === list.length - 1 && here === 0))
    return here === index || end ? moved(each) : each
  })))
}

/** Put a vertex behind another one, half way to the next. */
export function addVertex(value: JsonObject, at: readonly number[]): JsonObject {
  return withCoordinates(value, changed(value['coordinates'] ?? [], at, (list, index) => {
    const one = list[index]
    const next = list[index + 1] ?? list[index - 1]
    if (!one || !isPosition(one)) return list
    const other = next !== undefined && isPosition(next) ? next : [Number(one[0]) + 1, Number(one[1]) + 1]
    return [...list.slice(0, index + 1), [(Number(one[0]) + Number(other[0])) / 2, (Number(one[1]) + Number(other[1])) / 2], ...list.slice(index + 1)]
  }))
}

export function canRemove(kind: string, line: Line): boolean {
  return line.vertices.length > (line.closed ? SHORTEST_RING : kind === 'multiPoint' ? 0 : 2)
}

export function removeVertex(kind: string, value: JsonObject, at: readonly number[]): JsonObject {
  return withCoordinates(value, changed(value['coordinates'] ?? [], at, (list, index) => {
    const rest = list.filter((_each, here) => here !== index)
    const first = rest[0]
    // A ring ends where it begins.
    return SHAPES[kind]?.ring === true && index === 0 && first !== undefined ? [...rest.slice(0, -1), first] : rest
  }))
}

export type ShapeProblem = 'form' | 'open' | 'short' | 'order'

function area(vertices: readonly Vertex[]): number {
  return vertices.reduce((sum, one, index) => {
    const other = vertices[(index + 1) % vertices.length] ?? one
    return sum + (other.x - one.x) * (other.y + one.y)
  }, 0)
}

/** Say what is wrong with a shape: rings are closed, have four positions, and their outer one runs against the clock. */
export function shapeProblem(kind: string, value: Json | undefined): ShapeProblem | undefined {
  const lines = linesOf(kind, value)
  if (!lines) return 'form'
  for (const { vertices, closed } of lines) {
    if (!closed) continue
    const [first, last] = [vertices[0], vertices.at(-1)]
    if (!first || !last || first.x !== last.x || first.y !== last.y) return 'open'
    if (vertices.length < SHORTEST_RING) return 'short'
    const outer = first.at.at(-2) === 0
    if (area(vertices) > 0 === outer) return 'order'
  }
  return undefined
}

/** Close rings and turn those that run the wrong way. */
export function repaired(kind: string, value: JsonObject): JsonObject {
  const lines = linesOf(kind, value)
  if (!lines) return firstShape(kind) ?? value
  return lines.filter((line) => line.closed).reduce((shape, { vertices }) => {
    const [first, last] = [vertices[0], vertices.at(-1)]
    if (!first || !last) return shape
    const ring = first.at.slice(0, -1)
    const open = first.x !== last.x || first.y !== last.y
    const wrong = area(open ? [...vertices, first] : vertices) > 0 === (first.at.at(-2) === 0)
    return withCoordinates(shape, changed(shape['coordinates'] ?? [], ring, (list, index) => list.map((each, here) => {
      if (here !== index || !Array.isArray(each)) return each
      const positions = each as readonly Json[]
      const closed = open ? [...positions, positions[0] ?? []] : positions
      return wrong ? [...closed].reverse() : closed
    })))
  }, value)
}
