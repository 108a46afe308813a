/** What a person writes becomes a value of its schema: by its digits, never through a double. Pure. */
import { type Json, parseJson } from '@/api/json'
import type { ResolvedSchema } from '@/dtdl/model'
import { readDuration } from './duration'

export type Problem = 'empty' | 'integer' | 'range' | 'number' | 'large' | 'date' | 'time' | 'dateTime' | 'duration' | 'uuid' | 'bytes' | 'decimal' | 'choice' | 'json'
export type Reading =
  | { readonly value: Json }
  | { readonly problem: Problem; readonly low?: string; readonly high?: string }

export const RANGES: Readonly<Record<string, readonly [bigint, bigint]>> = {
  byte: [-(2n ** 7n), 2n ** 7n - 1n],
  short: [-(2n ** 15n), 2n ** 15n - 1n],
  integer: [-(2n ** 31n), 2n ** 31n - 1n],
  long: [-(2n ** 63n), 2n ** 63n - 1n],
  unsignedByte: [0n, 2n ** 8n - 1n],
  unsignedShort: [0n, 2n ** 16n - 1n],
  unsignedInteger: [0n, 2n ** 32n - 1n],
  unsignedLong: [0n, 2n ** 64n - 1n],
}

const LARGEST_FLOAT = 2 ** 127 * (2 - 2 ** -24)
const DATE = /^(\d{4})-(\d\d)-(\d\d)$/
const TIME = /^(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d+)?(?:Z|[+-](\d\d):([0-5]\d))?$/
const UUID = /^[\da-f]{8}-(?:[\da-f]{4}-){3}[\da-f]{12}$/i
const BYTES = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/
const LONGEST_NUMBER = 400
const MOST_OFFSET = 14 * 60

/** Write a number as JSON does: as Germans, French and English write it, without groups, with a point. */
export function plainNumber(text: string): string | undefined {
  let bare = text.trim().replace(/[\s\u00a0\u202f'’_]/g, '').replace(/^\+/, '').replace('\u2212', '-')
  if (bare === '' || bare.length > LONGEST_NUMBER) return undefined
  const comma = bare.lastIndexOf(',')
  const point = bare.lastIndexOf('.')
  if (comma >= 0 && point >= 0) bare = comma > point ? bare.replaceAll('.', '').replace(',', '.') : bare.replaceAll(',', '')
  else if (comma >= 0) bare = /^-?\d{1,3}(?:,\d{3}){2,}$/.test(bare) ? bare.replaceAll(',', '') : bare.replace(',', '.')
  const found = /^(-?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?)(\d+))?$/.exec(bare)
  if (!found || (found[2] === '' && (found[3] ?? '') === '')) return undefined
  const [, sign = '', whole = '', part = '', exponentSign = '', exponent] = found
  const digits = whole.replace(/^0+(?=\d)/, '') || '0'
  return `${sign}${digits}${part === '' ? '' : `.${part}`}${exponent === undefined ? '' : `e${exponentSign}${exponent}`}`
}

function readInteger(text: string, [low, high]: readonly [bigint, bigint]): Reading {
  const plain = plainNumber(text)
  if (plain === undefined || !/^-?\d+$/.test(plain)) return { problem: 'integer', low: String(low), high: String(high) }
  const value = BigInt(plain)
  if (value < low || value > high) return { problem: 'range', low: String(low), high: String(high) }
  return { value: parseJson(String(value)) }
}

function readReal(text: string, largest: number): Reading {
  const plain = plainNumber(text)
  if (plain === undefined) return { problem: 'number' }
  // Only whether it is too large is asked of a double: the value is taken by its digits.
  if (!(Math.abs(Number(plain)) <= largest)) return { problem: 'large' }
  return { value: parseJson(plain) }
}

function isDay(text: string): boolean {
  const found = DATE.exec(text)
  if (!found) return false
  const [year, month, day] = [Number(found[1]), Number(found[2]), Number(found[3])]
  const date = new Date(Date.UTC(2000, 0, 1))
  date.setUTCFullYear(year, month - 1, day)
  return year > 0 && date.getUTCFullYear() === year && date.getUTCMonth() === month - 1 && date.getUTCDate() === day
}

function isTime(text: string): boolean {
  const found = TIME.exec(text)
  return found !== null && (found[1] === undefined || Number(found[1]) * 60 + Number(found[2]) <= MOST_OFFSET)
}

function isDateTime(text: string): boolean {
  const at = text.indexOf('T')
  return at > 0 && isDay(text.slice(0, at)) && isTime(text.slice(at + 1))
}

function tested(text: string, fits: boolean, problem: Problem): Reading { return fits ? { value: text } : { problem } }

/** Read a text as a value of a schema that one field edits. */
export function readText(schema: ResolvedSchema, text: string): Reading {
  const range = RANGES[schema.kind]
  if (range) return text.trim() === '' ? { problem: 'empty' } : readInteger(text, range)
  const trimmed = text.trim()
  if (schema.kind === 'string') return { value: text }
  if (trimmed === '' && schema.kind !== 'bytes') return { problem: 'empty' }
  switch (schema.kind) {
    case 'double': return readReal(text, Number.MAX_VALUE)
    case 'float': return readReal(text, LARGEST_FLOAT)
    case 'decimal': return readDecimal(trimmed)
    case 'boolean': return trimmed === 'true' || trimmed === 'false' ? { value: trimmed === 'true' } : { problem: 'choice' }
    case 'date': return tested(trimmed, isDay(trimmed), 'date')
    case 'time': return tested(trimmed, isTime(trimmed), 'time')
    case 'dateTime': return tested(trimmed, isDateTime(trimmed), 'dateTime')
    case 'duration': return tested(trimmed, readDuration(trimmed) !== undefined, 'duration')
    case 'uuid': return tested(trimmed, UUID.test(trimmed), 'uuid')
    case 'bytes': return tested(trimmed, BYTES.test(trimmed), 'bytes')
    case 'enum': {
      const found = schema.values.find((each) => String(each.value) === trimmed)
      return found ? { value: found.value } : { problem: 'choice' }
    }
    default: return readJsonText(text)
  }
}

/** Decimals of DTDL 4 are texts of digits, so that none is lost. */
function readDecimal(text: string): Reading {
  const plain = plainNumber(text)
  return plain === undefined || /e/.test(plain) ? { problem: 'decimal' } : { value: plain }
}

function readJsonText(text: string): Reading {
  try {
    return { value: parseJson(text) }
  } catch {
    return { problem: 'json' }
  }
}

/** Whether a value is one that its field can show and edit; others are shown as JSON and left alone. */
export function fits(schema: ResolvedSchema, value: Json): boolean {
  if (schema.kind === 'string') return typeof value === 'string'
  if (typeof value === 'object' && value !== null && !('text' in value)) return false
  const reading = readText(schema, String(value))
  return 'value' in reading
}

/** Return a number that is larger by so many whole steps, digit by digit; undefined where there is none to step from. */
export function stepNumber(text: string, by: number): string | undefined {
  const plain = plainNumber(text === '' ? '0' : text)
  if (plain === undefined || plain.includes('e')) return undefined
  const [whole = '0', part = ''] = plain.split('.')
  const scale = 10n ** BigInt(part.length)
  const sum = BigInt(whole + part) + BigInt(by) * scale
  const digits = String(sum < 0n ? -sum : sum).padStart(part.length + 1, '0')
  const cut = digits.length - part.length
  return `${sum < 0n ? '-' : ''}${digits.slice(0, cut)}${part === '' ? '' : `.${digits.slice(cut)}`}`
}
