/** Twins that were read, one copy of each: graph, tables and inspector look at the same (design 6.2). */
import { useCallback, useSyncExternalStore } from 'react'
import type { CloudEvent, Twin } from '@/api/types'
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

/** What a property was, for a sparkline. */
export interface Point { readonly at: number; readonly value: number }

export class TwinStore {
  readonly #known = new Map<string, Known>()
  readonly #listeners = new Map<string, Set<Listener>>()
  readonly #points = new Map<string, Point[]>()
  readonly #changes = new Map<string, number>()
  #past = false

  get(id: string): Known | undefined { return this.#known.get(id) }
  /** Whether a document of the instant that is looked at is here. */
  has(id: string): boolean { return this.#known.get(id)?.outdated === false }

  /** Take documents that were read. */
  put(twins: readonly Twin[]): void {
    const at = Date.now()
    for (const twin of twins) {
      this.#known.set(twin.$dtId, { twin, at, current: true, outdated: false })
      this.#tell(twin.$dtId)
    }
  }

  /** Take what was just written, or read to be written: it is of the present, and nothing in the past. */
  putNow(twins: readonly Twin[]): void { if (!this.#past) this.put(twins) }

  /** Take an event of a twin: a patch is applied to the document that is here. */
  apply(event: CloudEvent): void {
    const id = event.subject
    // What happens now changes nothing in the past.
    if (this.#past || id === undefined || id.includes('/')) return
    if (event.type.endsWith('.Twin.Create') && isTwin(event.data)) this.put([event.data])
    else if (event.type.endsWith('.Twin.Delete')) this.drop(id)
    else if (event.type.endsWith('.Twin.Update') && isObject(event.data)) this.#patch(id, operationsOf(event.data), event)
  }

  /** Another instant is looked at: what is here is shown until it is read anew. */
  turn(past: boolean): void {
    this.#past = past
    for (const [id, known] of this.#known) this.#known.set(id, { ...known, outdated: true })
    for (const id of [...this.#listeners.keys()]) this.#tell(id)
  }

  drop(id: string): void {
    this.#known.delete(id)
    this.#tell(id)
  }

  clear(): void {
    const ids = [...this.#known.keys()]
    this.#known.clear()
    this.#points.clear()
    this.#changes.clear()
    ids.forEach((id) => { this.#tell(id) })
  }

  /** Numbers that a property was seen to have, oldest first, since the page is open. */
  points(id: string, pointer: string): readonly Point[] { return this.#points.get(`${id}\n${pointer}`) ?? [] }

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
    if (!known) return
    let twin: JsonObject = known.twin
    for (const each of operations) twin = applied(twin, splitPointer(each.path), each)
    if (event.time !== undefined) twin = { ...twin, $metadata: { ...(isObject(twin['$metadata']) ? twin['$metadata'] : {}), $lastUpdateTime: event.time } }
    if (isTwin(twin)) this.#known.set(id, { ...known, twin, at: Date.now(), current: false })
    this.#tell(id)
  }

  #note(id: string, operation: Operation, at: number, event: CloudEvent): void {
    if (operation.path.includes('/$metadata/')) return
    const model = isObject(event.data) && typeof event.data['modelId'] === 'string' ? event.data['modelId'] : ''
    const counted = `${model}\n${operation.path}`
    this.#changes.set(counted, (this.#changes.get(counted) ?? 0) + 1)
    if (typeof operation.value !== 'number') return
    const key = `${id}\n${operation.path}`
    const points = this.#points.get(key) ?? []
    points.push({ at, value: operation.value })
    if (points.length > POINTS) points.shift()
    this.#points.set(key, points)
  }

  #tell(id: string): void { this.#listeners.get(id)?.forEach((listener) => { listener() }) }
}

export function isTwin(value: Json | undefined): value is Twin {
  return isObject(value) && typeof value['$dtId'] === 'string' && isObject(value['$metadata'])
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
