/** Values of twins as the graph shows them: below a mark, and as a colour. Pure. */
import { ExactNumber, isObject, type Json, type JsonObject } from '@/api/json'
import { INTEGERS, REALS, type ResolvedContent, type ResolvedSchema, say } from '@/dtdl/model'
import type { Models } from '@/dtdl/models'
import type { ShownValue } from '@/graph/types'
import { formatNumber, t } from '@/text/text'

const NUMBERS: ReadonlySet<string> = new Set<string>([...INTEGERS, ...REALS])
const DEEPEST = 3
const LOW = 0.05
const HIGH = 0.95
const FAR = 1.5

export function isNumeric(schema: ResolvedSchema | undefined): boolean { return schema !== undefined && NUMBERS.has(schema.kind) }

/** Whether a lens can show values of a schema. */
function isShowable(schema: ResolvedSchema | undefined): boolean { return isNumeric(schema) || schema?.kind === 'boolean' || schema?.kind === 'enum' }

export interface LensProperty {
  /** As in addresses and queries: `thermostat.currentTemperature`. */
  readonly path: string
  readonly title: string
  /** What it lies in: the component's name. */
  readonly place: string
  readonly schema: ResolvedSchema
  readonly unit: string
  readonly twins: number
  readonly changes: number
}

export interface Leaf { readonly path: readonly string[]; readonly content: ResolvedContent; readonly place: string }

/** Every property that a lens can show, of a model with its components and objects. */
export function leavesOf(models: Models, model: string): readonly Leaf[] {
  const found: Leaf[] = []
  const walk = (contents: readonly ResolvedContent[], path: readonly string[], place: string): void => {
    for (const content of contents) {
      const here = [...path, content.name]
      if (content.kind === 'component' && content.model !== undefined && here.length < DEEPEST) walk(models.get(content.model)?.contents ?? [], here, say(content.displayName, content.name))
      else if (content.kind === 'property' && isShowable(content.schema)) found.push({ path: here, content, place })
      else if (content.kind === 'property' && content.schema?.kind === 'object' && here.length < DEEPEST) {
        walk(content.schema.fields.map((field) => ({ ...content, name: field.name, displayName: field.displayName, description: field.description, schema: field.schema })), here, say(content.displayName, content.name))
      }
    }
  }
  walk(models.get(model)?.contents ?? [], [], '')
  return found
}

/** The properties of the shown models, those that change first, then by how many twins have them. */
export function lensProperties(models: Models, counts: ReadonlyMap<string, number>, changes: ReadonlyMap<string, number>): readonly LensProperty[] {
  const found = new Map<string, LensProperty>()
  for (const [model, twins] of counts) {
    for (const { path, content, place } of leavesOf(models, model)) {
      const key = path.join('.')
      const known = found.get(key)
      const seen = changes.get(`${model}\n/${path.join('/')}`) ?? 0
      if (known) found.set(key, { ...known, twins: known.twins + twins, changes: known.changes + seen })
      else if (content.schema) found.set(key, { path: key, title: say(content.displayName, content.name), place, schema: content.schema, unit: content.unit?.symbol ?? '', twins, changes: seen })
    }
  }
  return [...found.values()].sort((one, other) => Number(other.changes > 0) - Number(one.changes > 0) || other.twins - one.twins || (one.path < other.path ? -1 : 1))
}

export function valueAt(twin: JsonObject, path: string): Json | undefined {
  return path.split('.').reduce<Json | undefined>((value, part) => (isObject(value) ? value[part] : undefined), twin)
}

export function numberOf(value: Json | undefined): number | undefined {
  if (typeof value === 'number') return value
  return value instanceof ExactNumber ? Number(value.text) : undefined
}

/** A number in as many digits as one reads at a glance. */
export function shortNumber(value: number, schema?: ResolvedSchema): string {
  const size = Math.abs(value)
  if (size >= 1e15) return formatNumber(value, { notation: 'scientific', maximumFractionDigits: 1 })
  if (size >= 1e6) return formatNumber(value, { notation: 'compact', maximumFractionDigits: 1 })
  // Numbers below each other are compared: those of one property have the same digits.
  const isReal = schema !== undefined && REALS.some((kind) => kind === schema.kind)
  const digits = size >= 1000 || (!isReal && Number.isInteger(value)) ? 0 : size >= 0.1 || value === 0 ? 1 : 3
  return formatNumber(value, { maximumFractionDigits: digits, minimumFractionDigits: isReal && digits === 1 ? 1 : 0 })
}

export function showShort(value: Json | undefined, schema: ResolvedSchema, unit: string): string | undefined {
  const number = numberOf(value)
  if (number !== undefined) return unit === '' ? shortNumber(number, schema) : `${shortNumber(number, schema)} ${unit}`
  if (typeof value === 'boolean') return value ? t('graph.yes') : t('graph.no')
  if (typeof value !== 'string') return undefined
  const found = schema.kind === 'enum' ? schema.values.find((each) => each.value === value) : undefined
  return found ? say(found.displayName, found.name) : value
}

export interface Main { readonly path: string; readonly schema: ResolvedSchema; readonly unit: string }

/** When each property of some twins of a model was last written, by path: what is measured is written again and again. */
export function writtenAt(twins: Iterable<JsonObject>, leaves: readonly Leaf[]): ReadonlyMap<string, number> {
  const latest = new Map<string, number>()
  for (const twin of twins) {
    for (const { path } of leaves) {
      const around = path.slice(0, -1).reduce<Json | undefined>((value, part) => (isObject(value) ? value[part] : undefined), twin)
      const metadata = isObject(around) && isObject(around['$metadata']) ? around['$metadata'] : undefined
      const own = metadata && Object.hasOwn(metadata, path.at(-1) ?? '') ? metadata[path.at(-1) ?? ''] : undefined
      const time = isObject(own) && typeof own['lastUpdateTime'] === 'string' ? Date.parse(own['lastUpdateTime']) : NaN
      if (time > (latest.get(path.join('.')) ?? -Infinity)) latest.set(path.join('.'), time)
    }
  }
  return latest
}

/** Written so much later than another that it is written by itself. */
const LATER_MS = 2000

/** The properties of a model, those first that change: as seen since the page is open, else by when they were written. */
export function byChange(leaves: readonly Leaf[], model: string, changes: ReadonlyMap<string, number>, written: ReadonlyMap<string, number>): readonly Leaf[] {
  const count = (leaf: Leaf): number => changes.get(`${model}\n/${leaf.path.join('/')}`) ?? 0
  const first = Math.min(...written.values())
  const isLate = (leaf: Leaf): boolean => (written.get(leaf.path.join('.')) ?? -Infinity) > first + LATER_MS
  const rank = (leaf: Leaf): number => (isLate(leaf) ? 0 : 8) + (leaf.content.semanticTypes.length > 0 ? 0 : 2) + (leaf.content.definedBy === model ? 0 : 1) + (leaf.path.length > 1 ? 4 : 0)
  return leaves.toSorted((one, other) => count(other) - count(one) || rank(one) - rank(other))
}

/** The property that is shown below marks of a model: the user's, the one that changes most, else one that measures. */
export function mainOf(models: Models, model: string, chosen: string | undefined, changes: ReadonlyMap<string, number>, twins: Iterable<JsonObject> = []): Main | undefined {
  const leaves = leavesOf(models, model)
  const main = (leaf: Leaf | undefined): Main | undefined => (leaf?.content.schema ? { path: leaf.path.join('.'), schema: leaf.content.schema, unit: leaf.content.unit?.symbol ?? '' } : undefined)
  if (chosen !== undefined) return main(leaves.find((leaf) => leaf.path.join('.') === chosen))
  const plain = leaves.filter((leaf) => leaf.content.schema?.kind !== 'enum')
  return main(byChange(plain, model, changes, writtenAt(twins, plain))[0])
}

export type Domain = readonly [number, number]

/** The ends of a scale: most of the values lie in it, and it begins and ends at round numbers. */
export function domainOf(values: readonly number[]): Domain | undefined {
  const sorted = values.filter(Number.isFinite).sort((one, other) => one - other)
  if (sorted.length === 0) return undefined
  const at = (share: number): number => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0
  // A few that are far from all others, such as cold cellars, must not make the others look alike.
  const reach = FAR * (at(0.75) - at(0.25))
  const [low, high] = reach > 0 ? [Math.max(at(LOW), at(0.25) - reach), Math.min(at(HIGH), at(0.75) + reach)] : [at(LOW), at(HIGH)]
  const span = high - low || Math.abs(high) || 1
  const step = 10 ** Math.floor(Math.log10(span)) / (span / 10 ** Math.floor(Math.log10(span)) < 3 ? 5 : 1)
  const round = (value: number): number => Number(value.toPrecision(12))
  const [from, to] = [round(Math.floor(low / step) * step), round(Math.ceil(high / step) * step)]
  return from === to ? [from, round(from + step)] : [from, to]
}

/** The colours and texts of a lens. */
export function lensValues(values: ReadonlyMap<string, Json>, property: Pick<LensProperty, 'schema' | 'unit'>, domain: Domain | undefined): ReadonlyMap<string, ShownValue> {
  const shown = new Map<string, ShownValue>()
  const { schema } = property
  const unit = property.unit.startsWith('°') ? '°' : ''
  for (const [id, value] of values) {
    const number = numberOf(value)
    if (number !== undefined && schema.kind !== 'enum') {
      const ramp = domain ? Math.min(1, Math.max(0, (number - domain[0]) / (domain[1] - domain[0] || 1))) : 0.5
      shown.set(id, { text: shortNumber(number, schema) + unit, ramp })
      continue
    }
    const text = showShort(value, schema, '')
    if (text !== undefined) shown.set(id, { text, slot: slotOf(value, schema) })
  }
  return shown
}

const SLOTS = 8

/** The palette slot of a word or of yes and no. */
export function slotOf(value: Json, schema: ResolvedSchema): number {
  if (typeof value === 'boolean') return value ? 1 : 2
  const index = schema.kind === 'enum' ? schema.values.findIndex((each) => each.value === value) : -1
  return index < 0 || index >= SLOTS ? 0 : index + 1
}
