/** JSON whose numbers survive: what a double cannot hold exactly stays as it was written. */

/** A number as text, since no JavaScript number is equal to it. */
export class ExactNumber {
  constructor(readonly text: string) {}
  toString(): string { return this.text }
  toJSON(): unknown { return rawJson ? rawJson(this.text) : `\u0000${this.text}\u0000` }
}

export type Json = null | boolean | number | string | ExactNumber | readonly Json[] | JsonObject
export interface JsonObject { readonly [key: string]: Json }

type Raw = (text: string) => unknown
type Reviver = (this: unknown, key: string, value: unknown, context?: { source?: string }) => unknown

const rawJson = (JSON as unknown as { rawJSON?: Raw }).rawJSON?.bind(JSON)
const NUMBER = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/

function isExact(value: number, source: string): boolean {
  if (Number.isInteger(value)) return Number.isSafeInteger(value)
  const digits = source.replace(/[eE].*$/, '').replace(/[-.]/g, '').replace(/^0+/, '')
  return digits.length <= 17
}

const keepExact: Reviver = (_key, value, context) => {
  if (typeof value !== 'number' || context?.source === undefined) return value
  return isExact(value, context.source) ? value : new ExactNumber(context.source)
}

const hasSource = ((): boolean => {
  let seen = false
  const look: Reviver = (_key, value, context) => { seen ||= context?.source !== undefined; return value }
  JSON.parse('1', look as (key: string, value: unknown) => unknown)
  return seen
})()

/** Long integers are marked before parsing where the browser does not tell the source of a number. */
function markLongNumbers(text: string): string {
  return text.replace(/"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g, (token) =>
    token.startsWith('"') || isExact(Number(token), token) ? token : `{"\\u0000exact":"${token}"}`)
}

const unmark = (_key: string, value: unknown): unknown => {
  if (typeof value === 'object' && value !== null && '\u0000exact' in value) return new ExactNumber(String(value['\u0000exact']))
  return value
}

export function parseJson(text: string): Json {
  if (hasSource) return JSON.parse(text, keepExact as (key: string, value: unknown) => unknown) as Json
  const long = /[\d.]{16}/.test(text)
  return JSON.parse(long ? markLongNumbers(text) : text, long ? unmark : undefined) as Json
}

/** Write JSON; exact numbers as they were. */
export function writeJson(value: unknown, indent?: number): string {
  const text = JSON.stringify(value, undefined, indent)
  return rawJson ? text : text.replace(/"\\u0000([^"\\]+)\\u0000"/g, '$1')
}

/** Whether a text is a JSON number. */
export function isNumberText(text: string): boolean { return NUMBER.test(text) }

export function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof ExactNumber)
}

/** Return the value at a JSON pointer, or undefined. */
export function at(value: Json | undefined, pointer: string): Json | undefined {
  let here = value
  for (const part of splitPointer(pointer)) {
    if (Array.isArray(here)) here = (here as readonly Json[])[Number(part)]
    else if (isObject(here)) here = Object.hasOwn(here, part) ? here[part] : undefined
    else return undefined
  }
  return here
}

export function splitPointer(pointer: string): string[] {
  return pointer === '' ? [] : pointer.slice(1).split('/').map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'))
}

export function joinPointer(parts: readonly string[]): string {
  return parts.map((part) => `/${part.replaceAll('~', '~0').replaceAll('/', '~1')}`).join('')
}

/** Whether two JSON values say the same. */
export function sameJson(one: Json | undefined, other: Json | undefined): boolean {
  if (one === other) return true
  if (one === undefined || other === undefined) return false
  return canonical(one) === canonical(other)
}

function canonical(value: Json): string {
  return writeJson(value instanceof ExactNumber || typeof value !== 'object' ? value : sorted(value))
}

function sorted(value: Json): Json {
  if (Array.isArray(value)) return (value as readonly Json[]).map(sorted)
  if (!isObject(value)) return value
  return Object.fromEntries(Object.keys(value).sort().map((key) => [key, sorted(value[key] ?? null)]))
}
