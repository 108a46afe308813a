/** Which values are charted, and how an address names them. Pure. */
import { ExactNumber, joinPointer, type Json } from '@/api/json'
import { INTEGERS, REALS, type ResolvedContent, type ResolvedSchema, say } from '@/dtdl/model'
import type { Models } from '@/dtdl/models'

export const MOST_SERIES = 8
const DEEPEST = 4
const NUMBERS: ReadonlySet<string> = new Set<string>([...INTEGERS, ...REALS])

export interface SeriesName { readonly twin: string; readonly path: readonly string[] }

/** Read `prop` of an address: entries with commas between, each `twin/path/to` or, of the twin of the address, `path.to`. */
export function parseSeries(prop: string | undefined, twin: string | undefined): readonly SeriesName[] {
  const found = new Map<string, SeriesName>()
  for (const entry of (prop ?? '').split(',').filter((each) => each !== '')) {
    const [first = '', ...rest] = entry.split('/').map(decode)
    const name = rest.length > 0 ? { twin: first, path: rest } : twin === undefined ? undefined : { twin, path: first.split('.') }
    if (name) found.set(keyOf(name), name)
  }
  return [...found.values()].slice(0, MOST_SERIES)
}

function decode(text: string): string {
  try { return decodeURIComponent(text) } catch { return text }
}

export function keyOf({ twin, path }: SeriesName): string { return [twin, ...path].map((part) => part.replace(/[%/,]/g, encodeURIComponent)).join('/') }

export function formatSeries(names: readonly SeriesName[]): string | undefined { return names.length === 0 ? undefined : names.map(keyOf).join(',') }

export function pointerOf({ path }: SeriesName): string { return joinPointer(path) }

export interface SeriesProperty { readonly path: readonly string[]; readonly title: string; readonly schema: ResolvedSchema; readonly unit: string }

export function isNumeric(schema: ResolvedSchema | undefined): boolean { return schema !== undefined && NUMBERS.has(schema.kind) }

/** Whether a value is drawn as a coloured lane. */
export function isLane(schema: ResolvedSchema | undefined): boolean { return schema?.kind === 'enum' || schema?.kind === 'boolean' || schema?.kind === 'string' }

/** Every property of a model that can be charted, those of components and objects too. */
export function propertiesOf(models: Models, model: string): readonly SeriesProperty[] {
  const found: SeriesProperty[] = []
  const walk = (contents: readonly ResolvedContent[], path: readonly string[], titles: readonly string[]): void => {
    for (const content of contents) {
      const here = [...path, content.name]
      const title = [...titles, say(content.displayName, content.name)]
      const { schema } = content
      if (content.kind === 'component' && content.model !== undefined && here.length < DEEPEST) walk(models.get(content.model)?.contents ?? [], here, title)
      else if (content.kind !== 'property' || !schema) continue
      else if (schema.kind === 'object' && here.length < DEEPEST) walk(schema.fields.map((field) => ({ ...content, name: field.name, displayName: field.displayName, schema: field.schema })), here, title)
      else if (isNumeric(schema) || isLane(schema)) found.push({ path: here, title: title.join(' › '), schema, unit: content.unit?.symbol ?? content.unit?.name ?? '' })
    }
  }
  walk(models.get(model)?.contents ?? [], [], [])
  return found.sort((one, other) => Number(isLane(one.schema)) - Number(isLane(other.schema)))
}

export function propertyAt(models: Models, model: string, path: readonly string[]): SeriesProperty | undefined {
  const key = path.join('\n')
  return propertiesOf(models, model).find((each) => each.path.join('\n') === key)
}

/** What is told of a stretch of time, by its start in milliseconds. */
export interface Bucket { readonly at: number; readonly avg: number | undefined; readonly min: number | undefined; readonly max: number | undefined; readonly last: Json }

export function numberOf(value: Json | undefined): number | undefined {
  if (typeof value === 'number') return value
  return value instanceof ExactNumber ? Number(value.text) : undefined
}

/** A value stands until the next one is written: a line must not slope over the time in between, and goes on to the end. */
export function standing(buckets: readonly Bucket[], width: number, end: number): readonly Bucket[] {
  const found: Bucket[] = []
  const stand = (at: number): void => {
    const last = numberOf(found.at(-1)?.last)
    if (last !== undefined) found.push({ at, avg: last, min: last, max: last, last })
  }
  for (const bucket of buckets) {
    const before = found.at(-1)
    if (before && bucket.at - before.at > 2 * width) stand(bucket.at - width)
    found.push(bucket)
  }
  if ((found.at(-1)?.at ?? end) < end) stand(end)
  return found
}

export interface Lines { readonly x: readonly number[]; readonly rows: readonly (readonly (number | null)[])[] }

/** Series on one axis of time, in seconds: for each its minimum, maximum and mean, null where it has none. */
export function aligned(all: readonly (readonly Bucket[])[]): Lines {
  const times = [...new Set(all.flatMap((each) => each.map((bucket) => bucket.at)))].sort((one, other) => one - other)
  const indexOf = new Map(times.map((at, index) => [at, index]))
  const rows = all.flatMap((each) => {
    const columns = [0, 1, 2].map(() => new Array<number | null>(times.length).fill(null))
    for (const bucket of each) {
      const index = indexOf.get(bucket.at) ?? 0
      ;[bucket.min, bucket.max, bucket.avg].forEach((value, column) => { const list = columns[column]; if (list) list[index] = value ?? null })
    }
    return columns
  })
  return { x: times.map((at) => at / 1000), rows }
}

export interface Segment { readonly from: number; readonly to: number; readonly value: Json }

/** A lane: a value stands until the next one is written. */
export function segmentsOf(buckets: readonly Bucket[], end: number): readonly Segment[] {
  const segments: { from: number; to: number; value: Json }[] = []
  for (const bucket of buckets) {
    const before = segments.at(-1)
    if (before && before.value === bucket.last) continue
    if (before) before.to = bucket.at
    segments.push({ from: bucket.at, to: end, value: bucket.last })
  }
  return segments
}

/** What a series was at an instant: the last bucket at or before it. */
export function bucketAt(buckets: readonly Bucket[], at: number): Bucket | undefined {
  let low = 0
  let high = buckets.length
  while (low < high) {
    const middle = (low + high) >> 1
    if ((buckets[middle]?.at ?? Infinity) <= at) low = middle + 1
    else high = middle
  }
  return buckets[low - 1]
}

export interface TableRow { readonly at: number; readonly values: readonly (Bucket | undefined)[] }

/** The newest first. */
export function rowsOf(all: readonly (readonly Bucket[])[]): readonly TableRow[] {
  const rows = new Map<number, (Bucket | undefined)[]>()
  all.forEach((buckets, index) => {
    for (const bucket of buckets) {
      const row = rows.get(bucket.at) ?? new Array<Bucket | undefined>(all.length).fill(undefined)
      row[index] = bucket
      rows.set(bucket.at, row)
    }
  })
  return [...rows].sort((one, other) => other[0] - one[0]).map(([at, values]) => ({ at, values }))
}

function cell(text: string): string {
  // What a spreadsheet would run as a formula is a text with an apostrophe.
  const safe = /^[=+@\t\r]|^-(?!\d)/.test(text) ? `'${text}` : text
  return /[",\r\n]|^\s|\s$/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe
}

/** RFC 4180: the time, and of each series its mean, least and most, or its last value. */
export function toCsv(rows: readonly TableRow[], columns: readonly { readonly title: string; readonly lane: boolean }[]): string {
  const head = ['time', ...columns.flatMap(({ title, lane }) => (lane ? [title] : [title, `${title} min`, `${title} max`]))]
  const text = (value: Json | undefined): string => (value === undefined || value === null ? '' : typeof value === 'object' && !(value instanceof ExactNumber) ? JSON.stringify(value) : String(value))
  const lines = [...rows].reverse().map((row) => [new Date(row.at).toISOString(), ...columns.flatMap(({ lane }, index) => {
    const bucket = row.values[index]
    return lane ? [text(bucket?.last)] : [text(bucket?.avg), text(bucket?.min), text(bucket?.max)]
  })])
  return [head, ...lines].map((cells) => `${cells.map(cell).join(',')}\r\n`).join('')
}

/** What was read last stands until more is read: `kept` is brought up to date, and forgets what is not asked for any more. */
export function lastOf<T>(kept: Map<string, T>, keys: readonly string[], read: readonly (T | undefined)[]): readonly (T | undefined)[] {
  for (const key of [...kept.keys()]) if (!keys.includes(key)) kept.delete(key)
  return keys.map((key, index) => {
    const fresh = read[index]
    if (fresh !== undefined) kept.set(key, fresh)
    return kept.get(key)
  })
}
