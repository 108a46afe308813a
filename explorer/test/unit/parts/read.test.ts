import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { ResolvedSchema } from '@/dtdl/model'
import { DURATION_PARTS, readDuration, writeDuration } from '@/parts/values/duration'
import { plainNumber, RANGES, readText } from '@/parts/values/read'

function read(kind: string, text: string): string {
  const reading = readText({ kind } as ResolvedSchema, text)
  return 'value' in reading ? String(reading.value) : `! ${reading.problem}`
}

describe('what is written', () => {
  it('is an integer to the digit, within the range of its kind', () => {
    for (const [kind, [low, high]] of Object.entries(RANGES)) {
      fc.assert(fc.property(fc.bigInt({ min: low, max: high }), (value) => { expect(read(kind, String(value))).toBe(String(value)) }), { numRuns: 30 })
      expect(read(kind, String(high))).toBe(String(high))
      expect(read(kind, String(high + 1n))).toBe('! range')
      expect(read(kind, String(low - 1n))).toBe('! range')
      expect(read(kind, '1.5')).toBe('! integer')
    }
    expect(read('long', '9223372036854775807')).toBe('9223372036854775807')
  })

  it('is a number as people of several countries write it', () => {
    expect(['1,5', '1.234,5', '1,234.5', '1 234,5', "1'234.5", '+.5', '−2', '007', '1,234,567', '1e3'].map(plainNumber)).toEqual(['1.5', '1234.5', '1234.5', '1234.5', '1234.5', '0.5', '-2', '7', '1234567', '1e3'])
    expect(['', 'x', '1.2.3', '--1', '.', 'e5'].map(plainNumber)).toEqual([undefined, undefined, undefined, undefined, undefined, undefined])
    expect(read('double', '0.1234567890123456789')).toBe('0.1234567890123456789')
    expect(read('double', '1e400')).toBe('! large')
    expect(read('float', '3.5e38')).toBe('! large')
    expect(read('decimal', '12,50')).toBe('12.50')
  })

  it('is a double that is the same double', () => {
    fc.assert(fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (value) => { expect(Number(read('double', String(value)))).toBe(value === 0 ? 0 : value) }))
  })

  it('is a day, a time, an instant that exist', () => {
    expect(['2024-02-29', '2023-02-29', '2023-13-01', '23-01-01'].map((text) => read('date', text))).toEqual(['2024-02-29', '! date', '! date', '! date'])
    expect(['13:05:00Z', '24:00:00', '13:05', '13:05:00.1234567+14:00', '13:05:00+14:30'].map((text) => read('time', text))).toEqual(['13:05:00Z', '! time', '! time', '13:05:00.1234567+14:00', '! time'])
    expect(read('dateTime', '2026-11-30T15:40:32.1234567Z')).toBe('2026-11-30T15:40:32.1234567Z')
    expect(read('dateTime', '2026-11-31T15:40:32Z')).toBe('! dateTime')
  })

  it('is an id, bytes, a choice', () => {
    expect([read('uuid', '123e4567-e89b-12d3-a456-426614174000'), read('uuid', 'x'), read('bytes', 'aGk='), read('bytes', 'aGk'), read('bytes', '')]).toEqual(['123e4567-e89b-12d3-a456-426614174000', '! uuid', 'aGk=', '! bytes', ''])
    const schema: ResolvedSchema = { kind: 'enum', valueSchema: 'integer', values: [{ name: 'a', value: 3, displayName: {}, description: {} }] }
    expect(readText(schema, '3')).toEqual({ value: 3 })
    expect(readText(schema, '4')).toEqual({ problem: 'choice' })
  })
})

describe('a duration', () => {
  it('is the same after reading and writing', () => {
    const part = fc.option(fc.nat(999).map(String), { nil: undefined })
    fc.assert(fc.property(fc.tuple(part, part, part, part, part, part), ([years, months, days, hours, minutes, seconds]) => {
      const given = { years, months, days, hours, minutes, seconds }
      const duration = Object.fromEntries(DURATION_PARTS.flatMap((name) => { const value = name === 'weeks' ? undefined : given[name]; return value === undefined ? [] : [[name, value]] }))
      const text = writeDuration(duration)
      expect(readDuration(text)).toEqual(Object.keys(duration).length === 0 ? { seconds: '0' } : duration)
    }))
  })

  it('has a fraction in its last part alone', () => {
    expect(['PT2H30M', 'P1.5D', 'P1.5DT2H', 'P', 'PT', 'P1Y2W', '-P1D', 'PT1.5S', 'P2W'].map((text) => readDuration(text) !== undefined)).toEqual([true, true, false, false, false, false, false, true, true])
  })
})
