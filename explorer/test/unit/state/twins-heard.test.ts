import { expect, it } from 'vitest'
import type { Json } from '@/api/json'
import type { CloudEvent, Twin } from '@/api/types'
import { TwinStore } from '@/state/twins'

const at = (second: number): string => `2026-01-01T00:00:0${second}.1234567Z`
const twin = (second: number, value: number): Twin => ({ $dtId: 'a', $etag: `W/"${second}"`, $metadata: { $model: 'm', $lastUpdateTime: at(second) }, value })
const event = (kind: string, second: number, data: Json): CloudEvent => ({ id: `${kind} ${second}`, source: '', type: `Microsoft.DigitalTwins.Twin.${kind}`, subject: 'a', time: at(second), data })
const update = (second: number, value: number): CloudEvent => event('Update', second, { modelId: 'm', patch: [{ op: 'replace', path: '/value', value }] })
const value = (store: TwinStore): unknown => store.get('a')?.twin['value']

it('a document that was read before an event gets what the event says', () => {
  const store = new TwinStore()
  store.apply(update(3, 3))
  store.put([twin(2, 2)])
  expect([value(store), store.get('a')?.current]).toEqual([3, false])
})

it('a document that was read after an event is not set back by it', () => {
  const store = new TwinStore()
  store.put([twin(4, 4)])
  store.apply(update(3, 3))
  expect([value(store), store.get('a')?.current]).toEqual([4, true])
  store.apply(update(5, 5))
  expect(value(store)).toBe(5)
})

it('of two documents the newer one stays, whichever came first', () => {
  const store = new TwinStore()
  store.put([twin(4, 4)])
  store.put([twin(2, 2)])
  expect(value(store)).toBe(4)
})

it('what happened at the same time is done again, in its order', () => {
  const store = new TwinStore()
  store.apply(update(3, 1))
  store.apply(update(3, 3))
  store.put([twin(3, 3)])
  expect([value(store), store.get('a')?.current]).toEqual([3, true])
})

it('what was deleted does not come back by a late answer, but does when it is made anew', () => {
  const store = new TwinStore()
  store.put([twin(1, 1)])
  store.apply(event('Delete', 3, {}))
  store.put([twin(1, 1)])
  expect(store.has('a')).toBe(false)
  store.apply(event('Create', 4, twin(4, 4)))
  expect(value(store)).toBe(4)
})

it('in the past nothing is added to what was read', () => {
  const store = new TwinStore()
  store.apply(update(3, 3))
  store.turn(true)
  store.put([twin(2, 2)])
  expect(value(store)).toBe(2)
  store.put([twin(1, 1)])
  expect(value(store)).toBe(1)
})

it('keeps points of some twins and of all that are looked at, and of none that is gone', () => {
  const store = new TwinStore()
  const of = (id: string, second: number): CloudEvent => ({ ...update(second, second), subject: id })
  store.subscribe('seen', () => undefined)
  for (const id of ['seen', 'first']) store.apply(of(id, 1))
  for (let index = 0; index < 1000; index += 1) store.apply(of(`t${index}`, 2))
  expect([store.points('seen', '/value').length, store.points('first', '/value').length, store.points('t999', '/value').length]).toEqual([1, 0, 1])
  store.drop('seen')
  expect(store.points('seen', '/value')).toEqual([])
})

it('tells what came since a read began', () => {
  const store = new TwinStore()
  store.apply(update(1, 1))
  const mark = store.heard.mark()
  store.apply(update(2, 2))
  expect(store.heard.since(mark).map((each) => each.id)).toEqual(['Update 2'])
})
