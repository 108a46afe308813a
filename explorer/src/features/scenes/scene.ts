/** Scenes as the server keeps them: a drawing, what of it stands for which twin, and how it shows their values. */
import { isObject, type Json, type JsonObject } from '@/api/json'

export const NAMED_COLOURS = ['accent', 'ok', 'warn', 'danger', 'pulse', 'muted'] as const
export const COMPARISONS = ['=', '!=', '<', '<=', '>', '>=', 'set', 'unset'] as const
export const EFFECTS = ['ramp', 'ranges', 'visible', 'label', 'badge', 'opacity'] as const
export const MOST_BINDINGS = 2000
export const MOST_BEHAVIOURS = 50

export type Plain = string | number | boolean
export type EffectKind = (typeof EFFECTS)[number]
export interface Condition { readonly op: (typeof COMPARISONS)[number]; readonly value?: Plain }
export interface Range { readonly from?: number; readonly to?: number; readonly value?: Plain; readonly color: string; readonly label?: string }

export type Effect =
  | { readonly kind: 'ramp'; readonly min?: number; readonly max?: number; readonly reverse?: boolean }
  | { readonly kind: 'ranges'; readonly ranges: readonly Range[]; readonly otherwise?: string }
  | { readonly kind: 'visible'; readonly when: Condition }
  | { readonly kind: 'label'; readonly text: string; readonly digits?: number }
  | { readonly kind: 'badge'; readonly when: Condition; readonly icon: string; readonly color?: string; readonly text?: string }
  | { readonly kind: 'opacity'; readonly from: number; readonly to: number; readonly low?: number; readonly high?: number }

export type Widget =
  | { readonly kind: 'value'; readonly property?: string; readonly label?: string }
  | { readonly kind: 'sparkline'; readonly property?: string; readonly minutes?: number }
  | { readonly kind: 'link'; readonly text: string; readonly url: string }

export interface Behaviour {
  readonly id: string
  readonly name: string
  readonly on: { readonly model?: string; readonly elements?: readonly string[] }
  /** With dots, as in queries: `thermostat.currentTemperature`. */
  readonly property: string
  readonly scale?: number
  readonly offset?: number
  readonly effect: Effect
  readonly widgets?: readonly Widget[]
  /** Not on when the scene opens. */
  readonly off?: boolean
}

export interface Binding { readonly element: string; readonly twin: string }

export interface Scene {
  readonly version: 1
  readonly title: string
  readonly file: string
  readonly twin?: string
  readonly bindings: readonly Binding[]
  readonly behaviours: readonly Behaviour[]
  readonly view?: JsonObject
}

/** Read a document. The server has checked its form; a draft of this browser may be of another day. */
export function readScene(value: Json): Scene | undefined {
  if (!isObject(value) || value['version'] !== 1) return undefined
  const { title, file, bindings, behaviours } = value
  if (typeof title !== 'string' || typeof file !== 'string' || !Array.isArray(bindings) || !Array.isArray(behaviours)) return undefined
  const isWhole = (behaviours as readonly Json[]).every((each) => isObject(each) && isObject(each['effect']) && isObject(each['on']) && typeof each['property'] === 'string')
    && (bindings as readonly Json[]).every((each) => isObject(each) && typeof each['element'] === 'string' && typeof each['twin'] === 'string')
  // Its parts were looked at; the rest is the form that the server refuses to keep otherwise.
  return isWhole ? (value as unknown as Scene) : undefined
}

/** Bind an element to a twin, or to none. */
export function bind(scene: Scene, element: string, twin: string | undefined): Scene {
  return bindAll(scene, new Map([[element, twin]]))
}

/** Bind many at once; what else is bound stays. */
export function bindAll(scene: Scene, changes: ReadonlyMap<string, string | undefined>): Scene {
  const kept = scene.bindings.filter((each) => !changes.has(each.element))
  const added = [...changes].flatMap(([element, twin]) => (twin === undefined ? [] : [{ element, twin }]))
  return { ...scene, bindings: [...kept, ...added] }
}

export function putBehaviour(scene: Scene, behaviour: Behaviour): Scene {
  const known = scene.behaviours.some((each) => each.id === behaviour.id)
  return { ...scene, behaviours: known ? scene.behaviours.map((each) => (each.id === behaviour.id ? behaviour : each)) : [...scene.behaviours, behaviour] }
}

/** An id for a behaviour that none of the others has. */
export function newId(name: string, taken: readonly string[]): string {
  const stem = name.toLowerCase().replace(/[^a-z0-9]+/g, '-').replace(/^-|-$/g, '').slice(0, 48) || 'behaviour'
  for (let n = 1; ; n += 1) {
    const id = n === 1 ? stem : `${stem}-${n}`
    if (!taken.includes(id)) return id
  }
}

/** What an effect begins as when it is chosen. */
export function firstEffect(kind: EffectKind): Effect {
  switch (kind) {
    case 'ramp': return { kind }
    case 'ranges': return { kind, ranges: [{ to: 0, color: 'muted' }, { from: 0, color: 'accent' }] }
    case 'visible': return { kind, when: { op: 'set' } }
    case 'label': return { kind, text: '{value} {unit}', digits: 1 }
    case 'badge': return { kind, when: { op: '>', value: 0 }, icon: 'alert', color: 'danger' }
    case 'opacity': return { kind, from: 0, to: 100 }
  }
}

/** A name in the address and on the server, made of a title. */
export function nameOf(title: string): string {
  return title.trim().toLowerCase().normalize('NFKD').replace(/\p{M}+/gu, '').replace(/[^\p{L}\p{N}._-]+/gu, '-').replace(/^[-.]+|[-.]+$/g, '').slice(0, 128)
}

export function isName(name: string): boolean { return name.trim() !== '' && name.length <= 128 && !/[/\p{Cc}]/u.test(name) }

export function isThreeD(file: string): boolean { return /\.(?:glb|gltf)$/i.test(file) }
