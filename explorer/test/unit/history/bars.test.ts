import { expect, it } from 'vitest'
import { barsOf, bucketsFor, instantAt } from '@/parts/time-bar/bars'
import { firstBeyond, nearest } from '@/parts/time-bar/steps'

const SPAN = { from: 0, to: 1000, oldest: 100, now: 1000 }

it('bars stand where the changes were, and one beside many is seen', () => {
  const bars = barsOf([0, 1, 10_000, 0], 200, 1000, SPAN)
  expect(bars.map((bar) => bar.x)).toEqual([0.4, 0.6000000000000001])
  expect(bars.map((bar) => bar.width)).toEqual([0.2, 0.2])
  expect(bars[1]?.height).toBe(1)
  expect(bars[0]?.height).toBeGreaterThanOrEqual(0.1)
  expect(barsOf([0, 0], 0, 1000, SPAN)).toEqual([])
  expect(barsOf([3, 3], -2000, -1000, SPAN)).toEqual([])
})

it('a place of the bar is an instant; its end is now, and what is not kept is not gone to', () => {
  expect(instantAt(0.5, SPAN)).toBe(500)
  expect(instantAt(1, SPAN)).toBeUndefined()
  expect(instantAt(0.999, SPAN, 0.01)).toBeUndefined()
  expect(instantAt(0, SPAN)).toBe(100)
  expect(instantAt(-3, SPAN)).toBe(100)
  expect(instantAt(1, { ...SPAN, to: 800 })).toBe(800)
})

it('there are never more parts than the server counts', () => {
  expect(bucketsFor(600)).toBe(150)
  expect(bucketsFor(9000)).toBe(500)
  expect(bucketsFor(0)).toBe(10)
})

it('the next change is the nearest of all that are selected', () => {
  expect(nearest(['2026-01-01T00:00:00Z', undefined, '2026-01-03T00:00:00Z'], 'before')).toBe('2026-01-03T00:00:00Z')
  expect(nearest(['2026-01-01T00:00:00Z', '2026-01-03T00:00:00Z'], 'after')).toBe('2026-01-01T00:00:00Z')
  expect(nearest([undefined], 'after')).toBeUndefined()
  const entries = [{ from: '2026-01-02T00:00:00.0000002Z' }, { from: '2026-01-02T00:00:00.0000001Z' }]
  expect(firstBeyond(entries, '2026-01-02T00:00:00.0000002Z', 'before')).toBe('2026-01-02T00:00:00.0000001Z')
  expect(firstBeyond(entries, undefined, 'before')).toBe('2026-01-02T00:00:00.0000002Z')
  expect(firstBeyond(entries, '2026-01-03T00:00:00Z', 'after')).toBeUndefined()
})
