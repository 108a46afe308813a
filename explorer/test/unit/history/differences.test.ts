import { expect, it } from 'vitest'
import { countsOf, differenceOf, isOnlyTimes, keyOf, marksOf, readDifferences } from '@/parts/differences/read'
import { throughTime } from '@/parts/structure/structure'
import { TwinStore } from '@/state/twins'
import type { Twin } from '@/api/types'

const LINES = [
  { kind: 'twin', id: 'a', what: 'changed', before: { $dtId: 'a', v: 1, $metadata: { $model: 'm', v: { lastUpdateTime: '1' } } }, after: { $dtId: 'a', v: 2, $metadata: { $model: 'm', v: { lastUpdateTime: '2' } } } },
  { kind: 'twin', id: 'b', what: 'changed', before: { $dtId: 'b', $metadata: { $lastUpdateTime: '1' } }, after: { $dtId: 'b', $metadata: { $lastUpdateTime: '2' } } },
  { kind: 'relationship', id: 'r', source: 'a', what: 'added', after: {} },
  { kind: 'twin', id: 'c', what: 'changed', patch: [{ op: 'replace', path: '/t/x', value: 3 }, { op: 'replace', path: '/$metadata/t', value: 1 }] },
]

it('lines are read as they come, in whatever pieces, and not beyond the bound', async () => {
  const text = LINES.map((line) => `${JSON.stringify(line)}\n`).join('')
  const pieces = new ReadableStream<Uint8Array<ArrayBuffer>>({ start: (controller) => { for (let at = 0; at < text.length; at += 17) controller.enqueue(new TextEncoder().encode(text.slice(at, at + 17))); controller.close() } })
  const { list, more } = await readDifferences(new Response(pieces), 10)
  expect(more).toBe(false)
  expect(list.map(keyOf)).toEqual(['a', 'b', 'a/r', 'c'])
  expect(list[0]?.changes).toEqual([{ path: ['v'], before: 1, after: 2 }])
  expect(list[3]?.changes).toEqual([{ path: ['t', 'x'], before: undefined, after: 3 }])
  expect(list.map(isOnlyTimes)).toEqual([false, true, false, false])
  expect([...marksOf(list)]).toEqual([['a', 'changed'], ['a/r', 'added'], ['c', 'changed']])
  expect(countsOf(list)).toEqual({ added: 1, removed: 0, changed: 3 })
  expect(await readDifferences(new Response(text), 2)).toMatchObject({ more: true, list: [{ id: 'a' }, { id: 'b' }] })
  expect(differenceOf({ kind: 'twin' })).toBeUndefined()
})

it('what was there at another instant joins the picture, and nothing leaves it', () => {
  const node = (id: string, label = id): { id: string; model: string; label: string } => ({ id, model: 'm', label })
  const edge = { key: 'a/r', id: 'r', source: 'a', target: 'b', name: 'has' }
  const shown = { nodes: new Map([['a', node('a')], ['b', node('b')]]), edges: new Map([['a/r', edge]]) }
  expect(throughTime(shown, { nodes: new Map([['a', node('a')], ['b', node('b')]]), edges: new Map([['a/r', edge]]) })).toEqual({ structure: shown, gone: new Set() })
  expect(throughTime(shown, { nodes: new Map([['a', node('a')]]), edges: new Map() }).structure).toBe(shown)
  const { structure, gone } = throughTime(shown, { nodes: new Map([['b', node('b', 'B')], ['z', node('z')]]), edges: new Map() })
  expect([...structure.nodes.values()].map((each) => each.label)).toEqual(['a', 'B', 'z'])
  expect([...gone]).toEqual(['a', 'a/r'])
})

it('documents of another instant are shown until they are read, and events of now do not change them', () => {
  const twin = (v: number): Twin => ({ $dtId: 'a', $etag: 'e', $metadata: { $model: 'm' }, v })
  const store = new TwinStore()
  store.put([twin(1)])
  store.turn(true)
  expect(store.has('a')).toBe(false)
  expect(store.get('a')?.twin['v']).toBe(1)
  store.put([twin(0)])
  expect(store.has('a')).toBe(true)
  store.apply({ id: '1', source: 's', type: 'Microsoft.DigitalTwins.Twin.Update', subject: 'a', data: { modelId: 'm', patch: [{ op: 'replace', path: '/v', value: 9 }] } })
  expect(store.get('a')?.twin['v']).toBe(0)
  store.turn(false)
  store.apply({ id: '1', source: 's', type: 'Microsoft.DigitalTwins.Twin.Update', subject: 'a', data: { modelId: 'm', patch: [{ op: 'replace', path: '/v', value: 9 }] } })
  expect(store.get('a')?.twin['v']).toBe(9)
})
