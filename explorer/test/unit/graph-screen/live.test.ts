import { expect, it } from 'vitest'
import type { Json } from '@/api/json'
import { changesOf } from '@/features/graph/useLiveStructure'
import type { Batch } from '@/state/live'

const here = new Map([['a', { id: 'a', model: 'm', label: 'a' }], ['b', { id: 'b', model: 'm', label: 'B' }]])
const batch = (...events: readonly (readonly [string, string, Json])[]): Batch =>
  events.map(([kind, subject, data], index) => ({ position: String(index), arrived: 0, event: { id: String(index), type: `Microsoft.DigitalTwins.${kind}`, subject, source: '', data } }))
const read = (events: Batch, whole = true): ReturnType<typeof changesOf> => changesOf(events, undefined, whole, (id) => here.has(id), (id) => here.get(id))
const twin = (id: string): Json => ({ $dtId: id, $metadata: { $model: 'm' }, name: id.toUpperCase() })
const line = (source: string, target: string): Json => ({ $sourceId: source, $targetId: target, $relationshipId: 'x', $relationshipName: 'hasPart' })

it('takes new twins into the whole graph, and counts them beside anything else', () => {
  expect([...read(batch(['Twin.Create', 'c', twin('c')])).nodes.values()]).toEqual([{ id: 'c', model: 'm', label: 'C' }])
  const part = read(batch(['Twin.Create', 'c', twin('c')]), false)
  expect([part.nodes.size, part.newcomers]).toEqual([0, 1])
})

it('takes lines between what is shown, also what has just come', () => {
  const changes = read(batch(['Twin.Create', 'c', twin('c')], ['Relationship.Create', 'a/relationships/x', line('a', 'c')], ['Relationship.Create', 'a/relationships/y', line('a', 'nowhere')]))
  expect([...changes.edges.keys()]).toEqual(['a/x'])
})

it('ends with what was last', () => {
  const changes = read(batch(['Twin.Create', 'c', twin('c')], ['Twin.Delete', 'c', twin('c')], ['Twin.Delete', 'a', twin('a')], ['Relationship.Create', 'b/relationships/x', line('b', 'a')]))
  expect([changes.nodes.size, [...changes.goneTwins], changes.edges.size]).toEqual([0, ['a'], 0])
  const again = read(batch(['Relationship.Delete', 'a/relationships/x', line('a', 'b')], ['Relationship.Create', 'a/relationships/x', line('a', 'b')]))
  expect([again.goneLines.size, again.edges.size]).toEqual([0, 1])
})

it('renames, and changes the model', () => {
  const patch = (path: string, value: Json): Json => ({ modelId: 'm', patch: [{ op: 'replace', path, value }] })
  expect(read(batch(['Twin.Update', 'b', patch('/name', 'New')])).nodes.get('b')?.label).toBe('New')
  expect(read(batch(['Twin.Update', 'b', patch('/$metadata/$model', 'other')])).nodes.get('b')?.model).toBe('other')
  expect(read(batch(['Twin.Update', 'b', patch('/temperature', 3)])).nodes.size).toBe(0)
})
