/** Which events a filter lets through: two streams, one with the filter, one with all, from the last hundred events on. */
import { useEffect, useMemo, useState, useSyncExternalStore } from 'react'
import type { ApiError } from '@/api/errors'
import { follow } from '@/api/events'
import { open } from '@/api/http'
import { parseJson } from '@/api/json'
import type { CloudEvent } from '@/api/types'
import { useGraph } from '@/state/graph'
import { usePaused } from '@/ui/usePaused'

const PAUSE_MS = 400
const LAST = 100
const MOST = 200

export interface Previewed { readonly event: CloudEvent; readonly passes: boolean }
export interface Preview { readonly events: readonly Previewed[]; readonly passed: number; readonly total: number; readonly error: ApiError | undefined; readonly filter: string }

/** Matches by id, events in the order in which they came. An event counts once both streams could have had it. */
export class PreviewLog {
  #events: CloudEvent[] = []
  #matching = new Set<string>()
  #listeners = new Set<() => void>()
  version = 0

  take(event: CloudEvent, passes: boolean): void {
    const key = `${event.source}\n${event.id}`
    if (passes) this.#matching.add(key)
    if (!this.#events.some((each) => each.id === event.id && each.source === event.source)) this.#events.push(event)
    if (this.#events.length > MOST) {
      this.#events = this.#events.slice(-MOST)
      if (this.#matching.size > MOST) this.#matching = new Set(this.#events.map((each) => `${each.source}\n${each.id}`).filter((each) => this.#matching.has(each)))
    }
    this.version += 1
    this.#listeners.forEach((listener) => { listener() })
  }

  listen(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  read(): readonly Previewed[] { return this.#events.map((event) => ({ event, passes: this.#matching.has(`${event.source}\n${event.id}`) })) }
}

/** Position from which the last hundred events follow. */
async function recently(graph: string): Promise<string> {
  const response = await open(graph, { path: '/kastor/v1/events', query: { format: 'ndjson' }, headers: { accept: 'application/x-ndjson' } })
  await response.body?.cancel()
  const now = Number(response.headers.get('kastor-next-position') ?? 0)
  return String(Math.max(0, now - LAST))
}

export function usePreview(text: string): Preview {
  const { name } = useGraph()
  const filter = usePaused(text, PAUSE_MS)
  const log = useMemo(() => new PreviewLog(), [name, filter])
  const [error, setError] = useState<ApiError>()
  useSyncExternalStore((listener) => log.listen(listener), () => log.version)
  useEffect(() => {
    setError(undefined)
    const stops: (() => void)[] = []
    let current = true
    // Where the feed does not say where it is, what comes from now on is shown: never the whole log.
    void recently(name).catch(() => undefined).then((after) => {
      if (!current) return
      for (const [of, passes] of [[filter, true], ['true', false]] as const) {
        stops.push(follow(name, (last) => ({ path: '/kastor/v1/events', query: { filter: of, after: last === undefined ? after : undefined } }), {
          onEvent: (message) => { if (message.data !== '' && message.event !== 'models') log.take(parseJson(message.data) as unknown as CloudEvent, passes) },
          onRefused: (refused) => { if (passes) setError(refused) },
        }))
      }
    })
    return () => { current = false; stops.forEach((stop) => { stop() }) }
  }, [name, filter, log])
  const events = error ? [] : log.read()
  return { events, passed: events.filter((each) => each.passes).length, total: events.length, error, filter }
}
