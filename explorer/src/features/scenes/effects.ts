/** What behaviours do to the elements of a drawing, from the values of their twins. Pure. */
import { ExactNumber, isObject, type Json, type JsonObject } from '@/api/json'
import { formatNumber } from '@/text/text'
import type { Behaviour, Binding, Condition, Effect, Range } from './scene'

const STOPS = 5
const LOW = 0.15

export interface Badge { readonly icon: string; readonly colour: string; readonly text: string }

/** How one element looks now. */
export interface ElementLook {
  fill?: string
  opacity?: number
  isHidden?: boolean
  labels: readonly string[]
  badges: readonly Badge[]
}

export type Domain = readonly [number, number]

/** What a behaviour needs to know of a twin. */
export interface Subject { readonly id: string; readonly name: string; readonly model: string; readonly twin: JsonObject }

export interface Facts {
  readonly subject: (twin: string) => Subject | undefined
  /** Whether a model is another, or inherits from it. */
  readonly isOf: (model: string, of: string) => boolean
  readonly unit: (model: string, property: string) => string
  /** What a value is called, as enums name theirs. */
  readonly say: (model: string, property: string, value: Json) => string
}

export function valueAt(twin: JsonObject, property: string): Json | undefined {
  return property.split('.').reduce<Json | undefined>((value, part) => (isObject(value) && Object.hasOwn(value, part) ? value[part] : undefined), twin)
}

export function numberOf(value: Json | undefined): number | undefined {
  const number = typeof value === 'number' ? value : value instanceof ExactNumber ? Number(value.text) : undefined
  return number !== undefined && Number.isFinite(number) ? number : undefined
}

/** A value as the behaviour counts it: times its scale, plus its offset. Only numbers are counted. */
export function counted(behaviour: Pick<Behaviour, 'scale' | 'offset'>, value: Json | undefined): Json | undefined {
  const number = numberOf(value)
  if (number === undefined || (behaviour.scale === undefined && behaviour.offset === undefined)) return value
  // Rounded to what a double says exactly, so that 0.1 times 3 reads as 0.3.
  return Number((number * (behaviour.scale ?? 1) + (behaviour.offset ?? 0)).toPrecision(15))
}

export function holds(condition: Condition, value: Json | undefined): boolean {
  const isSet = value !== undefined && value !== null
  if (condition.op === 'set') return isSet
  if (condition.op === 'unset') return !isSet
  if (!isSet || condition.value === undefined) return false
  const mine = numberOf(value) ?? (typeof value === 'string' || typeof value === 'boolean' ? value : undefined)
  const other = condition.value
  if (mine === undefined || typeof mine !== typeof other) return condition.op === '!='
  switch (condition.op) {
    case '=': return mine === other
    case '!=': return mine !== other
    case '<': return mine < other
    case '<=': return mine <= other
    case '>': return mine > other
    case '>=': return mine >= other
  }
}

/** Where a value lies on a scale, 0 to 1. */
export function placeOf(value: number, [low, high]: Domain): number {
  if (high === low) return 0.5
  return Math.min(1, Math.max(0, (value - low) / (high - low)))
}

/** The colour of the ramp at a place, as CSS mixes it of the tokens. */
export function rampColour(place: number): string {
  const at = Math.min(1, Math.max(0, place)) * (STOPS - 1)
  const below = Math.min(Math.floor(at), STOPS - 2)
  const share = Math.round((at - below) * 100)
  if (share === 0) return `var(--ramp-${below + 1})`
  if (share === 100) return `var(--ramp-${below + 2})`
  return `color-mix(in srgb, var(--ramp-${below + 2}) ${share}%, var(--ramp-${below + 1}))`
}

const NAMED: Readonly<Record<string, string>> = {
  accent: 'var(--accent)', ok: 'var(--ok)', warn: 'var(--warn)', danger: 'var(--danger)', pulse: 'var(--pulse)', muted: 'var(--border-strong)',
}

export function colourOf(name: string | undefined, otherwise = 'var(--accent)'): string {
  if (name === undefined) return otherwise
  if (Object.hasOwn(NAMED, name)) return NAMED[name] ?? otherwise
  return /^#[0-9a-f]{6}$/i.test(name) ? name : otherwise
}

/** Fills lie under texts and lines of the drawing: named colours are mixed with the paper, those that people chose are left. */
export function fillOf(name: string): string {
  return name.startsWith('#') ? colourOf(name) : `color-mix(in srgb, ${colourOf(name)} 32%, var(--surface))`
}

export function rangeOf(ranges: readonly Range[], value: Json | undefined): Range | undefined {
  const number = numberOf(value)
  return ranges.find((range) => {
    if (range.value !== undefined) return holds({ op: '=', value: range.value }, value)
    if (number === undefined) return false
    return (range.from === undefined || number >= range.from) && (range.to === undefined || number < range.to)
  })
}

/** The ends of a scale for the values that are seen: round numbers around them. */
export function domainOf(values: readonly number[]): Domain | undefined {
  if (values.length === 0) return undefined
  const low = Math.min(...values)
  const high = Math.max(...values)
  // Nearer than digits tell, or to nothing, no scale has steps.
  const wide = Math.max(high - low || Math.abs(high), Math.max(Math.abs(low), Math.abs(high)) * 1e-9)
  const span = wide > 1e-300 ? wide : 1
  const step = 10 ** Math.floor(Math.log10(span)) / (span / 10 ** Math.floor(Math.log10(span)) < 3 ? 5 : 1)
  const from = Number((Math.floor(low / step) * step).toPrecision(12))
  const to = Number((Math.ceil(high / step) * step).toPrecision(12))
  return from === to ? [from, Number((from + step).toPrecision(12))] : [from, to]
}

/** Fill in a template: `{value}`, `{unit}`, `{name}`, `{id}`. What is not known is left out. */
export function fillTemplate(text: string, values: Readonly<Record<'value' | 'unit' | 'name' | 'id', string>>): string {
  return text.replace(/\{(value|unit|name|id)\}/g, (_whole, name: keyof typeof values) => values[name]).trim()
}

/** An address with the twin's id in it. */
export function fillUrl(url: string, id: string): string { return url.replaceAll('{id}', encodeURIComponent(id)) }

export function showNumber(value: number, digits: number | undefined): string {
  return digits === undefined ? formatNumber(value, { maximumFractionDigits: 2 }) : formatNumber(value, { minimumFractionDigits: digits, maximumFractionDigits: digits })
}

/** The elements that a behaviour is of, with the twins that they stand for. */
export function boundTo(behaviour: Pick<Behaviour, 'on'>, bindings: readonly Binding[], facts: Facts): readonly Binding[] {
  const { model, elements } = behaviour.on
  if (elements) {
    const named = new Set(elements)
    return bindings.filter((each) => named.has(each.element))
  }
  if (model === undefined) return []
  return bindings.filter((each) => {
    const subject = facts.subject(each.twin)
    return subject !== undefined && facts.isOf(subject.model, model)
  })
}

/** The scale of a ramp: as it is set, else of what is seen; an earlier one only grows, so that colours do not jump. */
export function scaleOf(behaviour: Behaviour, bindings: readonly Binding[], facts: Facts, before?: Domain): Domain | undefined {
  if (behaviour.effect.kind !== 'ramp') return undefined
  const { min, max } = behaviour.effect
  if (min !== undefined && max !== undefined) return [min, max]
  const values = boundTo(behaviour, bindings, facts).flatMap((each) => {
    const subject = facts.subject(each.twin)
    const number = subject && numberOf(counted(behaviour, valueAt(subject.twin, behaviour.property)))
    return number === undefined ? [] : [number]
  })
  const seen = domainOf(before ? [...values, ...before] : values)
  return seen && [min ?? seen[0], max ?? seen[1]]
}

function show(behaviour: Behaviour, subject: Subject, value: Json | undefined, digits: number | undefined, facts: Facts): string {
  const number = numberOf(value)
  if (number !== undefined) return showNumber(number, digits)
  return value === undefined || value === null ? '–' : facts.say(subject.model, behaviour.property, value)
}

function apply(look: ElementLook, behaviour: Behaviour, subject: Subject, scale: Domain | undefined, facts: Facts): void {
  const value = counted(behaviour, valueAt(subject.twin, behaviour.property))
  const number = numberOf(value)
  const { effect } = behaviour
  if (effect.kind === 'ramp') {
    if (number === undefined || !scale) return
    const place = placeOf(number, scale)
    look.fill = rampColour(effect.reverse === true ? 1 - place : place)
  } else if (effect.kind === 'ranges') {
    const colour = rangeOf(effect.ranges, value)?.color ?? effect.otherwise
    if (colour !== undefined) look.fill = fillOf(colour)
  } else if (effect.kind === 'visible') look.isHidden = !holds(effect.when, value)
  else if (effect.kind === 'opacity') {
    if (number === undefined) return
    const low = effect.low ?? LOW
    look.opacity = low + placeOf(number, [effect.from, effect.to]) * ((effect.high ?? 1) - low)
  } else if (effect.kind === 'label') {
    // A number that is not known is no label: an empty "°C" says nothing.
    const text = value === undefined || value === null ? '' : fillTemplate(effect.text, {
      value: show(behaviour, subject, value, effect.digits, facts), unit: facts.unit(subject.model, behaviour.property), name: subject.name, id: subject.id,
    })
    if (text !== '') look.labels = [...look.labels, text]
  } else if (holds(effect.when, value)) look.badges = [...look.badges, { icon: effect.icon, colour: colourOf(effect.color, 'var(--danger)'), text: effect.text ?? behaviour.name }]
}

/** How all elements look: behaviours act in their order, a later fill covers an earlier one. */
export function looksOf(bindings: readonly Binding[], behaviours: readonly Behaviour[], scales: ReadonlyMap<string, Domain>, facts: Facts): ReadonlyMap<string, ElementLook> {
  const looks = new Map<string, ElementLook>()
  for (const behaviour of behaviours) {
    for (const { element, twin } of boundTo(behaviour, bindings, facts)) {
      const subject = facts.subject(twin)
      if (!subject) continue
      const look = looks.get(element) ?? { labels: [], badges: [] }
      apply(look, behaviour, subject, scales.get(behaviour.id), facts)
      looks.set(element, look)
    }
  }
  return looks
}

export function isFilling(effect: Effect): boolean { return effect.kind === 'ramp' || effect.kind === 'ranges' }
