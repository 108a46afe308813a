/** Values as texts, short enough for a row. Pure. */
import { ExactNumber, isObject, type Json, writeJson } from '@/api/json'
import { type ResolvedSchema, say } from '@/dtdl/model'
import { firstShape } from './geo'

const LONGEST = 400

/** Return a value as one line; numbers are shown as they were sent. */
export function showValue(value: Json | undefined, schema?: ResolvedSchema): string {
  if (value === undefined) return ''
  if (schema?.kind === 'enum') {
    const found = schema.values.find((each) => String(each.value) === String(value))
    if (found) return say(found.displayName, found.name)
  }
  if (typeof value === 'string') return value
  if (value === null || typeof value !== 'object' || value instanceof ExactNumber) return String(value)
  const text = writeJson(value)
  return text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text
}

/** What kind of value it is, as in `array of string`. */
export function showSchema(schema: ResolvedSchema | undefined): string {
  if (!schema) return ''
  if (schema.kind === 'array') return `array of ${showSchema(schema.element)}`
  if (schema.kind === 'map') return `map of ${showSchema(schema.value.schema)}`
  if (schema.kind === 'enum') return `enum (${schema.values.length})`
  return schema.kind
}

/** Whether a value stands in a row of its own below its name. */
export function isLarge(schema: ResolvedSchema | undefined): boolean {
  if (!schema) return false
  return ['object', 'array', 'map', 'scaledDecimal', 'ref', 'point', 'multiPoint', 'lineString', 'multiLineString', 'polygon', 'multiPolygon'].includes(schema.kind)
}

/** What a value begins as when it is set; undefined: by what is written. */
export function firstValue(schema: ResolvedSchema): Json | undefined {
  const shape = firstShape(schema.kind)
  if (shape) return shape
  if (schema.kind === 'boolean') return false
  if (schema.kind === 'array') return []
  if (schema.kind === 'map' || schema.kind === 'object') return {}
  if (schema.kind === 'scaledDecimal') return { value: '0', scale: 0 }
  return undefined
}

/** A value of a schema to begin with where one has to be: in an array, in a map. */
export function anyValue(schema: ResolvedSchema): Json {
  const first = firstValue(schema)
  if (first !== undefined) return first
  const now = new Date().toISOString()
  switch (schema.kind) {
    case 'enum': return schema.values[0]?.value ?? ''
    case 'date': return now.slice(0, 10)
    case 'time': return now.slice(11)
    case 'dateTime': return now
    case 'duration': return 'PT0S'
    case 'decimal': return '0'
    case 'uuid': return newUuid()
    case 'string': case 'bytes': return ''
    default: return 0
  }
}

/** An id that no one else has; also where the page has no secure origin. */
export function newUuid(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16))
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80
  const digits = Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
  return digits.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
}

/** Property names that say how a thing is called, in this order. */
export const LABELS = ['name', 'displayName', 'label', 'title'] as const

/** How a twin is called: its label property, else its id. */
export function labelOf(twin: Json | undefined, property?: string): string {
  if (!isObject(twin)) return ''
  for (const name of property === undefined ? LABELS : [property, ...LABELS]) {
    const value = twin[name]
    if (typeof value === 'string' && value !== '') return value
  }
  const id = twin['$dtId'] ?? twin['$relationshipId']
  return typeof id === 'string' ? id : ''
}

/** A path as queries write it. */
export function joinPath(path: readonly string[]): string { return path.join('.') }
