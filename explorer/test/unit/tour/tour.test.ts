import { expect, it } from 'vitest'
import type { CloudEvent } from '@/api/types'
import { changesSetPoint, isDone, readStep, ROOM, type Seen, STEPS, WARMEST } from '@/features/tour/steps'
import type { Place } from '@/state/url'

const seen = (place: Partial<Place>, more: Partial<Seen> = {}): Seen => ({ place: { graph: 'default', screen: 'graph', rest: [], parameters: {}, ...place }, isNear: false, writes: 2, writesBefore: 2, hasSetPoint: false, ...more })
const update = (patch: readonly object[]): CloudEvent => ({ id: '1', type: 'Kastor.DigitalTwins.Twin.Update', source: 's', subject: ROOM, data: { patch: patch as never } })

it('nothing is done before it is done', () => {
  expect(STEPS.filter((step) => isDone(step, seen({})))).toEqual([])
})

it('each step is done by its act alone', () => {
  const acts: Record<string, Seen> = {
    select: seen({ parameters: { sel: `other,${ROOM}` } }), lens: seen({ parameters: { lens: 'thermostat.currentTemperature' } }), near: seen({}, { isNear: true }),
    find: seen({ screen: 'query', parameters: { q: WARMEST } }), write: seen({}, { writes: 3, hasSetPoint: true }),
  }
  for (const act of STEPS) expect(STEPS.filter((step) => isDone(step, acts[act] ?? seen({})))).toEqual([act])
})

it('a set point that the simulation moved, or another write, is not the last step', () => {
  expect(isDone('write', seen({}, { hasSetPoint: true }))).toBe(false)
  expect(isDone('write', seen({}, { writes: 3 }))).toBe(false)
})

it('knows a change of a set point', () => {
  expect(changesSetPoint(update([{ op: 'replace', path: '/thermostat/setPoint', value: 22 }]))).toBe(true)
  expect(changesSetPoint(update([{ op: 'add', path: '/thermostat', value: { setPoint: 22 } }]))).toBe(true)
  expect(changesSetPoint(update([{ op: 'replace', path: '/thermostat/currentTemperature', value: 22 }]))).toBe(false)
})

it('what was kept of an earlier page is a step, or the first', () => {
  expect([readStep('3'), readStep('99'), readStep('x'), readStep(null), readStep('-1')]).toEqual([3, 0, 0, 0, 0])
})
