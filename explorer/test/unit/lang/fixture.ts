import type { ResolvedContent, ResolvedModel, ResolvedSchema } from '@/dtdl/model'
import { Models } from '@/dtdl/models'
import type { Facts } from '@/lang/facts'

const DAY = '2026-01-01T00:00:00Z'
const id = (name: string): string => `dtmi:example:${name};1`

function content(name: string, kind: ResolvedContent['kind'], more: Partial<ResolvedContent>): ResolvedContent {
  return { name, kind, definedBy: '', displayName: {}, description: {}, semanticTypes: [], ...more }
}

export const property = (name: string, schema: ResolvedSchema, more: Partial<ResolvedContent> = {}): ResolvedContent => content(name, 'property', { schema, ...more })
const relationship = (name: string, target: string | undefined, properties: readonly ResolvedContent[] = []): ResolvedContent => content(name, 'relationship', { properties, ...(target !== undefined && { target: id(target) }) })

const MODE: ResolvedSchema = {
  kind: 'enum', valueSchema: 'string', values: [
    { name: 'comfort', value: 'comfort', displayName: { en: 'Comfort' }, description: { en: 'People are there.' } },
    { name: 'eco', value: 'eco', displayName: { en: 'Eco' }, description: {} },
  ],
}

function model(name: string, display: string, bases: readonly string[], contents: readonly ResolvedContent[]): ResolvedModel {
  return { id: id(name), displayName: { en: display }, description: {}, dtdlVersion: 3, decommissioned: false, uploadTime: DAY, extends: bases.slice(0, 1).map(id), bases: bases.map(id), contents }
}

const space = [property('name', { kind: 'string' }), property('area', { kind: 'double' }, { unit: { name: 'squareMetre', symbol: 'm²' }, description: { en: 'How large it is.' } }), relationship('hasPart', 'Space', [property('since', { kind: 'date' })]), relationship('hasSensor', 'Sensor')]
const room = [property('occupied', { kind: 'boolean' }), property('purpose', MODE), property('tags', { kind: 'array', element: { kind: 'string' } }), content('thermostat', 'component', { model: id('Thermostat') }), ...space]
const address: ResolvedSchema = { kind: 'object', fields: [{ name: 'wing', displayName: {}, description: {}, schema: { kind: 'string' } }] }

export const MODELS = new Models(1, [
  model('Space', 'Space', [], space),
  model('Floor', 'Floor', ['Space'], [property('level', { kind: 'integer' }), ...space]),
  model('Room', 'Room', ['Space'], room),
  model('MeetingRoom', 'Meeting room', ['Room', 'Space'], [property('capacity', { kind: 'integer' }), property('address', address), ...room]),
  model('Sensor', 'Sensor', [], [property('batteryLevel', { kind: 'double' })]),
  model('TemperatureSensor', 'Temperature sensor', ['Sensor'], [property('temperature', { kind: 'double' }, { unit: { name: 'degreeCelsius', symbol: '°C' } }), property('batteryLevel', { kind: 'double' })]),
  model('Thermostat', 'Thermostat', [], [property('setPoint', { kind: 'double' }), property('mode', MODE)]),
])

export const FACTS: Facts = {
  models: MODELS, strict: false,
  twins: new Map([[id('Room'), 40], [id('MeetingRoom'), 15], [id('TemperatureSensor'), 59], [id('Floor'), 5]]),
  relationships: new Map([['hasPart', 74], ['hasSensor', 147]]),
}
