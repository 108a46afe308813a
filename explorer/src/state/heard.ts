/** What the feed said last: what is read meanwhile may be older than that. */
import type { CloudEvent } from '@/api/types'

const MOST = 10_000
/** No read takes longer. */
const KEPT_MS = 60_000

export class Heard {
  #events: { readonly event: CloudEvent; readonly at: number }[] = []
  #before = 0

  note(event: CloudEvent, now = Date.now()): void {
    this.#events.push({ event, at: now })
    const oldest = this.#events[0]
    // Now and then only: taking away from the front moves all the rest.
    if (this.#events.length < MOST * 2 && (oldest === undefined || now - oldest.at < KEPT_MS * 2)) return
    const kept = this.#events.slice(-MOST).filter((each) => now - each.at < KEPT_MS)
    this.#before += this.#events.length - kept.length
    this.#events = kept
  }

  /** Where the feed is; a read that begins now is told afterwards what came `since`. */
  mark(): number { return this.#before + this.#events.length }

  since(mark: number): readonly CloudEvent[] { return this.#events.slice(Math.max(0, mark - this.#before)).map((each) => each.event) }

  /** What was said of some twins. */
  of(ids: ReadonlySet<string>): ReadonlyMap<string, readonly CloudEvent[]> {
    const found = new Map<string, CloudEvent[]>()
    for (const { event } of this.#events) {
      if (event.subject === undefined || !ids.has(event.subject)) continue
      const list = found.get(event.subject)
      if (list) list.push(event)
      else found.set(event.subject, [event])
    }
    return found
  }

  clear(): void {
    this.#before += this.#events.length
    this.#events = []
  }
}
