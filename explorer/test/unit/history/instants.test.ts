import { expect, it } from 'vitest'
import { bucketOf, compareInstants, formatInstant, instantOf, millisOf, readInstant, showInstant, ticksOf } from '@/state/instants'

const NOW = Date.parse('2026-11-30T15:40:32Z')

it('an instant of an address may be counted from now', () => {
  expect(instantOf('-15m', NOW)).toBe('2026-11-30T15:25:32Z')
  expect(instantOf('2026-11-30T08:15:00.1234567Z', NOW)).toBe('2026-11-30T08:15:00.1234567Z')
  expect(instantOf('', NOW)).toBeUndefined()
  expect(instantOf(undefined, NOW)).toBeUndefined()
})

it.each([
  ['14:05', '2026-11-30T14:05:00Z'], ['9:05', '2026-11-30T09:05:00Z'], ['14:05:10.25', '2026-11-30T14:05:10.25Z'], ['2026-11-29 14:05', '2026-11-29T14:05:00Z'], ['2026-11-29', '2026-11-29T00:00:00Z'],
  ['2026-11-29T14:05:10+01:00', '2026-11-29T14:05:10+01:00'], ['-2h', '2026-11-30T13:40:32Z'],
])('what a person writes is read: %s', (text, instant) => { expect(readInstant(text, NOW)).toBe(instant) })

it.each(['', 'soon', '25:00', '2026-13-01 10:00', '14'])('what is no instant is none: %s', (text) => { expect(readInstant(text, NOW)).toBeUndefined() })

it('instants are compared below the millisecond', () => {
  expect(compareInstants('2026-11-30T08:00:00.1230001Z', '2026-11-30T08:00:00.1230002Z')).toBeLessThan(0)
  expect(compareInstants('2026-11-30T08:00:00.123Z', '2026-11-30T08:00:00.1230000Z')).toBe(0)
  expect(compareInstants('2026-11-30T09:00:00+01:00', '2026-11-30T08:00:00Z')).toBe(0)
  expect(millisOf('2026-11-30T08:00:00.1239999Z')).toBe(Date.parse('2026-11-30T08:00:00.123Z'))
})

it('an instant is shown with its day only where it is of another', () => {
  expect(showInstant('2026-11-30T14:05:10Z', NOW)).toBe('14:05:10')
  expect(showInstant('2026-11-29T14:05:10.5Z', NOW, true)).toBe('2026-11-29 14:05:10.500')
  expect(formatInstant(NOW)).toBe('2026-11-30T15:40:32Z')
})

it('ticks are round and not too many', () => {
  const hour = ticksOf(NOW - 3_600_000, NOW, 720)
  expect(hour.map((tick) => tick.text)).toEqual(['14:50', '15:00', '15:10', '15:20', '15:30', '15:40'])
  for (const [span, width] of [[60_000, 300], [86_400_000, 900], [7 * 86_400_000, 500], [400 * 86_400_000, 400]] as const) {
    const ticks = ticksOf(NOW - span, NOW, width)
    expect(ticks.length).toBeLessThanOrEqual(width / 90 + 1)
    expect(ticks.every((tick) => tick.at >= NOW - span && tick.at <= NOW)).toBe(true)
  }
})

it('buckets are two pixels wide and no shorter than a second', () => {
  expect(bucketOf(3_600_000, 900)).toBe(8)
  expect(bucketOf(10_000, 900)).toBe(1)
  expect(bucketOf(86_400_000, 0)).toBeGreaterThan(0)
})
