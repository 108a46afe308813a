/** Twins that were read, one copy of each: graph, tables and inspector look at the same (design 6.2). */
import { useCallback, useSyncExternalStore } from 'react'
import type { CloudEvent, Twin } from '@/api/types'
import { Heard } from './heard'
import { compareInstants } from './instants'
import { isObject, type Json, type JsonObject, splitPointer } from '@/api/json'

export interface Known {
  readonly twin: Twin
  /** When it was read or changed, by this browser's clock. */
  readonly at: number
  /** Whether its ETag is that of the document: an event that changed it brought none. */
  readonly current: boolean
  /** Whether it is of another instant than the one that is looked at now; what is there then has not been read yet. */
  readonly outdated: boolean
}

type Listener = () => void

interface Operation { readonly op: string; readonly path: string; readonly value?: Json }

const POINTS = 120
const MOST_SERIES = 60
/** Twins whose points are kept, beside those that somebody looks at. */
const MOST_FOLLOWED = 1000
const MOST_COUNTED = 10_000

/** What a property was, for a sparkline. */
export interface Point { readonly at: number; readonly value: number }

export class TwinStore {
  readonly #known = new Map<string, Known>()
  readonly #listeners = new Map<string, Set<Listener>>()
  /** By twin and property; the twin that changed last stands last. */
  readonly #points = new Map<string, Map<string, Point[]>>()
  readonly #changes = new Map<string, number>()
  readonly #heard = new Heard()
  #past = false

  get(id: string): Known | undefined { return this.#known.get(id) }
  /** Whether a document of the instant that is looked at is here. */
  has(id: string): boolean { return this.#known.get(id)?.outdated === false }

  /** What the feed said last, of whatever is in the graph. */
  get heard(): Pick<Heard, 'mark' | 'since'> { return this.#heard }

  /** Take documents that were read. What the feed said of them meanwhile has the last word. */
  put(twins: readonly Twin[]): void {
    const at = Date.now()
    const heard = this.#heard.of(new Set(twins.map((twin) => twin.$dtId)))
    for (const twin of twins) {
      const known = this.#known.get(twin.$dtId)
      if (!this.#past && known?.outdated === false && isNewer(known.twin, twin)) continue
      const caught = this.#past ? { twin, current: true } : caughtUp(twin, heard.get(twin.$dtId) ?? [])
      if (!caught) continue
      this.#known.set(twin.$dtId, { ...caught, at, outdated: false })
      this.#tell(twin.$dtId)
    }
  }

  /** Take what was just written, or read to be written: it is of the present, and nothing in the past. */
  putNow(twins: readonly Twin[]): void { if (!this.#past) this.put(twins) }

  /** Take an event of a twin: a patch is applied to the document that is here. */
  apply(event: CloudEvent): void {
    const id = event.subject
    // What happens now changes nothing in the past.
    if (this.#past) return
    this.#heard.note(event)
    if (id === undefined || id.includes('/')) return
    if (event.type.endsWith('.Twin.Create') && isTwin(event.data)) this.put([event.data])
    else if (event.type.endsWith('.Twin.Delete')) this.drop(id)
    else if (event.type.endsWith('.Twin.Update') && isObject(event.data)) this.#patch(id, operationsOf(event.data), event)
  }

  /** Another instant is looked at: what is here is shown until it is read anew. */
  turn(past: boolean): void {
    this.#past = past
    this.#heard.clear()
    for (const [id, known] of this.#known) this.#known.set(id, { ...known, outdated: true })
    for (const id of [...this.#listeners.keys()]) this.#tell(id)
  }

  drop(id: string): void {
    this.#known.delete(id)
    this.#points.delete(id)
    this.#tell(id)
  }

  clear(): void {
    const ids = [...this.#known.keys()]
    this.#known.clear()
    this.#points.clear()
    this.#changes.clear()
    this.#heard.clear()
    ids.forEach((id) => { this.#tell(id) })
  }

  /** Numbers that a property was seen to have, oldest first, since the page is open. */
  points(id: string, pointer: string): readonly Point[] { return this.#points.get(id)?.get(pointer) ?? [] }

  /** How often a property of twins of a model was seen to change: key is `model\npointer`. */
  get changes(): ReadonlyMap<string, number> { return this.#changes }

  subscribe(id: string, listener: Listener): () => void {
    const set = this.#listeners.get(id) ?? new Set()
    this.#listeners.set(id, set.add(listener))
    return () => {
      set.delete(listener)
      if (set.size === 0) this.#listeners.delete(id)
    }
  }

  #patch(id: string, operations: readonly Operation[], event: CloudEvent): void {
    const at = event.time === undefined ? Date.now() : Date.parse(event.time)
    for (const each of operations) this.#note(id, each, at, event)
    const known = this.#known.get(id)
    // A document that was read after this happened has it.
    if (!known || isOlder(event.time, timeOf(known.twin))) return
    const twin = patched(known.twin, operations, event.time)
    if (twin) this.#known.set(id, { ...known, twin, at: Date.now(), current: false })
    this.#tell(id)
  }

  #note(id: string, operation: Operation, at: number, event: CloudEvent): void {
    if (operation.path.includes('/$metadata/')) return
    const model = isObject(event.data) && typeof event.data['modelId'] === 'string' ? event.data['modelId'] : ''
    const counted = `${model}\n${operation.path}`
    const count = this.#changes.get(counted)
    if (count !== undefined || this.#changes.size < MOST_COUNTED) this.#changes.set(counted, (count ?? 0) + 1)
    if (typeof operation.value !== 'number') return
    const series = this.#points.get(id) ?? new Map<string, Point[]>()
    this.#points.delete(id)
    this.#points.set(id, series)
    const points = series.get(operation.path) ?? []
    if (points.length === 0 && series.size >= MOST_SERIES) return
    points.push({ at, value: operation.value })
    if (points.length > POINTS) points.shift()
    series.set(operation.path, points)
    this.#forgetPoints()
  }

  /** Of very many twins that change, those that nobody looks at are forgotten first. */
  #forgetPoints(): void {
    if (this.#points.size <= MOST_FOLLOWED) return
    for (const id of this.#points.keys()) if (!this.#listeners.has(id)) { this.#points.delete(id); return }
  }

  #tell(id: string): void { this.#listeners.get(id)?.forEach((listener) => { listener() }) }
}

export function isTwin(value: Json | undefined): value is Twin {
  return isObject(value) && typeof value['$dtId'] === 'string' && isObject(value['$metadata'])
}

function timeOf(twin: Twin): string | undefined {
  const time = twin.$metadata['$lastUpdateTime']
  return typeof time === 'string' ? time : undefined
}

function isOlder(one: string | undefined, other: string | undefined): boolean { return one !== undefined && other !== undefined && compareInstants(one, other) < 0 }

function isNewer(one: Twin, other: Twin): boolean { return isOlder(timeOf(other), timeOf(one)) }

function patched(before: Twin, operations: readonly Operation[], time: string | undefined): Twin | undefined {
  let twin: JsonObject = before
  for (const each of operations) twin = applied(twin, splitPointer(each.path), each)
  if (time !== undefined) twin = { ...twin, $metadata: { ...(isObject(twin['$metadata']) ? twin['$metadata'] : {}), $lastUpdateTime: time } }
  return isTwin(twin) ? twin : undefined
}

/**
 * A document with what happened to the twin since it was read; undefined: it was deleted. Of what has the same time it
 * has some and perhaps not all: that is done again, since to do it twice is to do it once.
 */
function caughtUp(read: Twin, events: readonly CloudEvent[]): { readonly twin: Twin; readonly current: boolean } | undefined {
  let caught: { readonly twin: Twin; readonly current: boolean } | undefined = { twin: read, current: true }
  if (timeOf(read) === undefined) return caught
  for (const event of events) {
    if (event.time === undefined || isOlder(event.time, timeOf(caught?.twin ?? read))) continue
    if (event.type.endsWith('.Twin.Delete')) caught = undefined
    else if (event.type.endsWith('.Twin.Create') && isTwin(event.data)) caught = caught === undefined || isNewer(event.data, caught.twin) ? { twin: event.data, current: true } : caught
    else if (caught && event.type.endsWith('.Twin.Update') && isObject(event.data)) {
      const isLater = isNewer({ ...caught.twin, $metadata: { ...caught.twin.$metadata, $lastUpdateTime: event.time } }, caught.twin)
      const twin = patched(caught.twin, operationsOf(event.data), event.time)
      if (twin) caught = { twin, current: caught.current && !isLater }
    }
  }
  return caught
}

export function modelOf(twin: Twin): string {
  const model = twin.$metadata['$model']
  return typeof model === 'string' ? model : ''
}

/** Read the operations of an event's patch. */
export function operationsOf(data: JsonObject): readonly Operation[] {
  const patch = data['patch']
  if (!Array.isArray(patch)) return []
  return (patch as readonly Json[]).flatMap((each) =>
    isObject(each) && typeof each['op'] === 'string' && typeof each['path'] === 'string'
      ? [{ op: each['op'], path: each['path'], ...(each['value'] !== undefined && { value: each['value'] }) }] : [])
}

function applied(target: JsonObject, parts: readonly string[], operation: Operation): JsonObject {
  const [first, ...rest] = parts
  if (first === undefined) return target
  if (rest.length === 0) {
    if (operation.op === 'remove') return Object.fromEntries(Object.entries(target).filter(([name]) => name !== first))
    return { ...target, [first]: operation.value ?? null }
  }
  const inner = target[first]
  return { ...target, [first]: applied(isObject(inner) ? inner : {}, rest, operation) }
}

const nothing = (): (() => void) => () => undefined

/** Look at a twin that the store has; undefined until somebody read it. */
export function useKnownTwin(store: TwinStore, id: string | undefined): Known | undefined {
  const subscribe = useCallback((listener: Listener) => (id === undefined ? nothing() : store.subscribe(id, listener)), [store, id])
  return useSyncExternalStore(subscribe, () => (id === undefined ? undefined : store.get(id)))
}
