import { expect, it } from 'vitest'
import { aligned, type Bucket, bucketAt, formatSeries, lastOf, MOST_SERIES, parseSeries, rowsOf, segmentsOf, standing, toCsv } from '@/features/history/series'

const bucket = (at: number, avg: number, last: Bucket['last'] = avg): Bucket => ({ at, avg, min: avg - 1, max: avg + 1, last })
const word = (at: number, last: string): Bucket => ({ at, avg: undefined, min: undefined, max: undefined, last })

it('series go through the address whatever the ids are', () => {
  const names = [{ twin: 'room-2-14', path: ['thermostat', 'setPoint'] }, { twin: 'a/b,c%', path: ['x,y', 'z/w'] }]
  expect(parseSeries(formatSeries(names), undefined)).toEqual(names)
  expect(parseSeries('thermostat.setPoint,thermostat.setPoint,', 'room-2-14')).toEqual([names[0]])
  expect(parseSeries('thermostat.setPoint', undefined)).toEqual([])
  expect(parseSeries(Array.from({ length: 20 }, (_each, index) => `t/p${index}`).join(','), undefined).length).toBe(MOST_SERIES)
  expect(parseSeries('%E0%A4%A/x', undefined)).toEqual([{ twin: '%E0%A4%A', path: ['x'] }])
})

it('series with other times share one axis', () => {
  const { x, rows } = aligned([[bucket(1000, 5), bucket(3000, 6)], [bucket(2000, 7)]])
  expect(x).toEqual([1, 2, 3])
  expect(rows).toEqual([[4, null, 5], [6, null, 7], [5, null, 6], [null, 6, null], [null, 8, null], [null, 7, null]])
})

it('a value stands until the next one, and to the end', () => {
  expect(standing([bucket(0, 20), bucket(10_000, 22)], 1000, 12_000).map((each) => [each.at, each.avg])).toEqual([[0, 20], [9000, 20], [10_000, 22], [12_000, 22]])
  expect(standing([bucket(0, 20), bucket(1000, 22)], 1000, 1000).map((each) => each.at)).toEqual([0, 1000])
  expect(standing([], 1000, 1000)).toEqual([])
  expect(segmentsOf([word(0, 'eco'), word(5, 'eco'), word(7, 'comfort')], 10)).toEqual([{ from: 0, to: 7, value: 'eco' }, { from: 7, to: 10, value: 'comfort' }])
})

it('the value at an instant is the last one before it', () => {
  const buckets = [bucket(10, 1), bucket(20, 2), bucket(30, 3)]
  expect([5, 10, 29, 30, 99].map((at) => bucketAt(buckets, at)?.avg)).toEqual([undefined, 1, 2, 3, 3])
})

it('a table is written as CSV that no spreadsheet runs', () => {
  const rows = rowsOf([[bucket(0, 2)], [word(0, '=1+1'), word(1000, 'a "b", c')]])
  expect(rows.map((row) => row.at)).toEqual([1000, 0])
  expect(toCsv(rows, [{ title: 't', lane: false }, { title: 'mode', lane: true }])).toBe(
    "time,t,t min,t max,mode\r\n1970-01-01T00:00:00.000Z,2,1,3,'=1+1\r\n1970-01-01T00:00:01.000Z,,,,\"a \"\"b\"\", c\"\r\n")
})

it('what was read last stands while the next is on its way, for as long as it is charted', () => {
  const kept = new Map<string, number>()
  expect(lastOf(kept, ['a', 'b'], [1, undefined])).toEqual([1, undefined])
  expect(lastOf(kept, ['b', 'a'], [2, undefined])).toEqual([2, 1])
  expect(lastOf(kept, ['b', 'a'], [undefined, 3])).toEqual([2, 3])
  expect(lastOf(kept, ['b'], [undefined])).toEqual([2])
  expect(lastOf(kept, ['b', 'a'], [undefined, undefined])).toEqual([2, undefined])
})
