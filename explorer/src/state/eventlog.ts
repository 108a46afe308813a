/** The last events of a graph, for whoever shows them: a ring that never grows beyond its bound. */
import type { CloudEvent } from '@/api/types'
import type { Batch, Feed, SeenEvent } from './live'

export const KINDS = ['update', 'create', 'delete', 'relationship', 'telemetry'] as const
export type EventKind = (typeof KINDS)[number]

export const MOST_EVENTS = 5000
const BUCKET_MS = 5000
const BUCKETS = 120
/** Above so many a second, rows are left out of the list; they are counted all the same. */
export const MOST_A_SECOND = 200

export function kindOf(event: CloudEvent): EventKind {
  const { type } = event
  if (type === 'microsoft.iot.telemetry') return 'telemetry'
  if (type.includes('.Relationship.')) return 'relationship'
  return type.endsWith('.Create') ? 'create' : type.endsWith('.Delete') ? 'delete' : 'update'
}

/** The twin that an event is of. Telemetry names it in its source. */
export function twinOf(event: CloudEvent): string {
  if (kindOf(event) === 'telemetry') {
    const id = /\/digitaltwins\/([^/]+)$/.exec(event.source)?.[1]
    return id === undefined ? '' : safely(id)
  }
  return event.subject?.split('/')[0] ?? ''
}

function safely(text: string): string {
  try { return decodeURIComponent(text) } catch { return text }
}

export interface Bucket { readonly at: number; readonly counts: Readonly<Record<EventKind, number>> }

function noCounts(): Record<EventKind, number> { return { update: 0, create: 0, delete: 0, relationship: 0, telemetry: 0 } }

export class EventLog {
  #events: SeenEvent[] = []
  #buckets: { at: number; counts: Record<EventKind, number> }[] = []
  #twins = new Map<string, number>()
  #listeners = new Set<() => void>()
  #second = { at: 0, count: 0 }
  #left = 0
  #version = 0
  #listed = 0

  /** Oldest first. */
  get events(): readonly SeenEvent[] { return this.#events }
  get buckets(): readonly Bucket[] { return this.#buckets }
  /** Events that came too fast to be listed. */
  get left(): number { return this.#left }
  /** All events that were ever listed. */
  get listed(): number { return this.#listed }
  get version(): number { return this.#version }

  /** The twins with most events since the page is open. */
  top(count: number): readonly (readonly [string, number])[] {
    return [...this.#twins].sort((one, other) => other[1] - one[1] || one[0].localeCompare(other[0])).slice(0, count)
  }

  take(batch: Batch, now = Date.now()): void {
    for (const seen of batch) this.#count(seen, now)
    const listed = batch.filter(() => this.#mayList(now))
    this.#left += batch.length - listed.length
    this.#listed += listed.length
    this.#events = [...this.#events, ...listed].slice(-MOST_EVENTS)
    this.#told()
  }

  clear(): void {
    this.#events = []
    this.#left = 0
    this.#told()
  }

  listen(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  #told(): void {
    this.#version += 1
    this.#listeners.forEach((listener) => { listener() })
  }

  #mayList(now: number): boolean {
    const second = Math.floor(now / 1000)
    if (this.#second.at !== second) this.#second = { at: second, count: 0 }
    this.#second.count += 1
    return this.#second.count <= MOST_A_SECOND
  }

  #count({ event }: SeenEvent, now: number): void {
    const at = Math.floor(now / BUCKET_MS) * BUCKET_MS
    let bucket = this.#buckets.at(-1)
    if (bucket?.at !== at) {
      bucket = { at, counts: noCounts() }
      this.#buckets = [...this.#buckets, bucket].filter((each) => each.at > at - BUCKET_MS * BUCKETS)
    }
    bucket.counts[kindOf(event)] += 1
    const twin = twinOf(event)
    this.#twins.set(twin, (this.#twins.get(twin) ?? 0) + 1)
    if (this.#twins.size > MOST_EVENTS) this.#twins = new Map(this.top(MOST_EVENTS / 2))
  }
}

const logs = new WeakMap<Feed, EventLog>()

/** The log of a feed; it begins when it is first asked for, and goes on while the feed does. */
export function logOf(feed: Feed): EventLog {
  const found = logs.get(feed)
  if (found) return found
  const log = new EventLog()
  logs.set(feed, log)
  feed.listen((batch) => { log.take(batch) })
  return log
}
