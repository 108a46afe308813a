import { expect, it } from 'vitest'
import type { Json } from '@/api/json'
import { edgeOf, foundIn, merged, nodeColumns, nodeOf, nodeOfTwin, NOTHING, pointOf, quoted, without } from '@/parts/structure/structure'

const twin = { $dtId: 'r1', $metadata: { $model: 'm' }, name: 'Hazel', level: 2, location: { type: 'Point', coordinates: [10, 48] } }
const line = { $sourceId: 'f', $targetId: 'r1', $relationshipId: 'x', $relationshipName: 'hasPart' }

it('reads a row and a document alike', () => {
  expect(nodeOfTwin(twin, undefined)).toEqual({ id: 'r1', model: 'm', label: 'Hazel', level: 2, point: [10, 48] })
  expect(nodeOf({ id: 'r1', model: 'm', l0: 'Hazel', v0: 2, p0: { type: 'Point', coordinates: [10, 48] } }, undefined)).toEqual(nodeOfTwin(twin, undefined))
  expect(nodeOfTwin(twin, 'id')?.label).toBe('r1')
  expect(nodeOfTwin({ ...twin, floor: { code: 'B' } }, 'floor.code')?.label).toBe('B')
  expect(nodeOfTwin({ $dtId: 'x', $metadata: { $model: 'm' }, name: ' ' }, undefined)?.label).toBe('x')
})

it('takes no place that is none on the earth', () => {
  expect(pointOf({ type: 'Polygon', coordinates: [[[0, 0], [2, 0], [2, 2], [0, 2]]] })).toEqual([1, 1])
  expect(pointOf({ type: 'Point', coordinates: [1000, 4] })).toBeUndefined()
  expect(pointOf({ type: 'Point', coordinates: [] })).toBeUndefined()
  expect(pointOf('x')).toBeUndefined()
})

it('writes what a query can read', () => {
  expect(quoted("it's \\ so")).toBe("'it\\'s \\\\ so'")
  expect(nodeColumns('T', 'odd name.x')).toContain('T.[[odd name]].x AS l0')
})

it('finds twins and relationships in any column of a result', () => {
  const rows: readonly Json[] = [{ room: twin, other: { $dtId: 's1' }, rel: line }, { n: 3 }]
  const found = foundIn(rows)
  expect(found.twins.map((each) => each['$dtId'])).toEqual(['r1'])
  expect([...found.ids].sort()).toEqual(['f', 'r1', 's1'])
  expect(found.edges.map((each) => each.key)).toEqual(['f/x'])
})

it('finds them in paths, lists and maps at any depth', () => {
  const deep: Json = [[{ a: [{ b: { $dtId: 'deep' } }] }]]
  const rows: readonly Json[] = [{ p: [{ $dtId: 'f', $metadata: { $model: 'm' } }, line, twin], all: deep, none: null }]
  const found = foundIn(rows)
  expect([...found.ids].sort()).toEqual(['deep', 'f', 'r1'])
  expect(found.edges.map((each) => each.key)).toEqual(['f/x'])
})

it('keeps no line without its ends', () => {
  const one = { id: 'f', model: 'm', label: 'f' }
  const edge = edgeOf(line)
  const alone = merged(NOTHING, [one], edge ? [edge] : [])
  expect(alone.edges.size).toBe(0)
  const both = merged(alone, [{ id: 'r1', model: 'm', label: '' }], edge ? [edge] : [])
  expect([...both.edges.keys()]).toEqual(['f/x'])
  expect(without(both, new Set(['f'])).edges.size).toBe(0)
  expect(without(both, new Set(), new Set(['f/x'])).nodes.size).toBe(2)
})
