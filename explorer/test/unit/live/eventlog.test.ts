import { describe, expect, it } from 'vitest'
import type { CloudEvent } from '@/api/types'
import { filterOf, sayChange } from '@/features/live/say'
import { EventLog, kindOf, MOST_A_SECOND, MOST_EVENTS, twinOf } from '@/state/eventlog'

const update = (subject: string): CloudEvent => ({ id: '1', source: 'h', type: 'Microsoft.DigitalTwins.Twin.Update', subject, data: { modelId: 'm', patch: [{ op: 'replace', path: '/a/b', value: 1.5 }, { op: 'remove', path: '/c' }, { op: 'add', path: '/$metadata/a/sourceTime', value: 't' }] } })
const seen = (event: CloudEvent, position = '1'): { position: string; event: CloudEvent; arrived: number } => ({ position, event, arrived: 0 })

describe('the log', () => {
  it('never holds more than its bound, and counts what it leaves out', () => {
    const log = new EventLog()
    for (let second = 0; second < 40; second += 1) log.take(Array.from({ length: MOST_A_SECOND + 10 }, () => seen(update('a'))), second * 1000)
    expect(log.events.length).toBe(MOST_EVENTS)
    expect(log.left).toBe(40 * 10)
    expect(log.listed).toBe(40 * MOST_A_SECOND)
    expect(log.top(1)).toEqual([['a', 40 * (MOST_A_SECOND + 10)]])
  })
  it('keeps ten minutes of counts', () => {
    const log = new EventLog()
    for (let minute = 0; minute < 30; minute += 1) log.take([seen(update('a'))], minute * 60_000)
    expect(log.buckets.length).toBe(10)
  })
})

it('names twins, also those of telemetry and relationships', () => {
  expect(twinOf({ id: '', source: 'h/digitaltwins/a%2Fb', type: 'microsoft.iot.telemetry' })).toBe('a/b')
  expect(twinOf({ id: '', source: 'h', type: 'Microsoft.DigitalTwins.Relationship.Create', subject: 'a/relationships/r' })).toBe('a')
  expect(kindOf(update('a'))).toBe('update')
})

it('says what changed, and makes a filter of it', () => {
  expect(sayChange(update('a'))).toBe('a.b 1.5, c removed')
  expect(filterOf(update('a'))).toBe("type = 'Microsoft.DigitalTwins.Twin.Update' AND CHANGED(a.b)")
})
