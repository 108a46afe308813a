import { expect, it } from 'vitest'
import { ExactNumber } from '@/api/json'
import { Models } from '@/dtdl/models'
import type { ResolvedContent, ResolvedModel } from '@/dtdl/model'
import { domainOf, lensProperties, lensValues, mainOf, showShort } from '@/features/graph/values'

const content = (name: string, kind: 'double' | 'integer' | 'boolean', more: Partial<ResolvedContent> = {}): ResolvedContent => ({ name, kind: 'property', definedBy: 'room', displayName: { en: name }, description: {}, semanticTypes: [], schema: { kind }, ...more })
const model = (id: string, contents: readonly ResolvedContent[]): ResolvedModel => ({ id, displayName: {}, description: {}, dtdlVersion: 3, decommissioned: false, uploadTime: '', extends: [], bases: [], contents })
const celsius = { unit: { name: 'degreeCelsius', symbol: '°C' }, semanticTypes: ['Temperature'] }
const models = new Models(1, [
  model('room', [content('area', 'double'), content('occupied', 'boolean'), { ...content('thermostat', 'double'), kind: 'component', model: 'thermostat' }, content('people', 'integer')]),
  model('thermostat', [content('temperature', 'double', { ...celsius, definedBy: 'thermostat' })]),
])

it('lists what a lens can show, through components, what changes first', () => {
  const found = lensProperties(models, new Map([['room', 5]]), new Map([['room\n/people', 3]]))
  expect(found.map((each) => each.path)).toEqual(['people', 'area', 'occupied', 'thermostat.temperature'])
  expect(found[3]).toMatchObject({ title: 'temperature', place: 'thermostat', unit: '°C', twins: 5 })
})

it('chooses a scale with round ends that a few cold rooms do not stretch', () => {
  const domain = domainOf([...Array.from({ length: 60 }, (_each, index) => 20 + (index % 20) / 10), 12.1, 12.6, 13, 13.2, 12.9, 14])
  expect(domain?.[0]).toBeGreaterThan(16)
  expect(domain?.[1]).toBeLessThanOrEqual(23)
  expect(domainOf([5, 5, 5])?.[0]).toBeLessThan(domainOf([5, 5, 5])?.[1] ?? 0)
  expect(domainOf([])).toBeUndefined()
})

it('colours within the scale and writes what is read at a glance', () => {
  const shown = lensValues(new Map([['a', 30], ['b', 20.04], ['c', 10]]), { schema: { kind: 'double' }, unit: '°C' }, [18, 22])
  expect(shown.get('a')).toEqual({ text: '30.0°', ramp: 1 })
  expect(shown.get('b')?.text).toBe('20.0°')
  expect(shown.get('c')?.ramp).toBe(0)
  expect(lensValues(new Map([['a', true], ['b', false]]), { schema: { kind: 'boolean' }, unit: '' }, undefined).get('a')).toEqual({ text: 'yes', slot: 1 })
  expect(showShort(new ExactNumber('9223372036854775807'), { kind: 'long' }, '')).toBe('9.2E18')
  expect(showShort(1234.56, { kind: 'double' }, 'kW')).toBe('1,235 kW')
})

it('shows below a mark what is written again and again', () => {
  const at = (time: string) => ({ lastUpdateTime: time })
  const twin = {
    $dtId: 'r', $metadata: { $model: 'room', area: at('2026-01-01T00:00:00Z'), occupied: at('2026-01-01T00:00:00Z'), people: at('2026-01-01T09:00:00Z') }, area: 4, people: 2,
    thermostat: { temperature: 20, $metadata: { temperature: at('2026-01-01T00:00:00Z') } },
  }
  expect(mainOf(models, 'room', undefined, new Map(), [twin])?.path).toBe('people')
  expect(mainOf(models, 'room', undefined, new Map([['room\n/occupied', 2]]), [twin])?.path).toBe('occupied')
  expect(mainOf(models, 'room', 'area', new Map([['room\n/occupied', 2]]), [twin])?.path).toBe('area')
})
