/** Which events the list shows: those of the page's feed, or those of a stream that the server filters. */
import { useEffect, useMemo, useRef, useState, useSyncExternalStore } from 'react'
import type { ApiError } from '@/api/errors'
import { follow } from '@/api/events'
import { parseJson } from '@/api/json'
import type { CloudEvent } from '@/api/types'
import { EventLog, logOf, MOST_EVENTS } from '@/state/eventlog'
import { useGraph } from '@/state/graph'
import type { SeenEvent } from '@/state/live'

export interface Shown {
  readonly log: EventLog
  readonly events: readonly SeenEvent[]
  readonly error: ApiError | undefined
  /** Events that went by while the list stood still, and were too many to be fetched. */
  readonly passed: number
}

/** Follow a filter; without one the page's own feed serves. */
function useFiltered(filter: string): { readonly log: EventLog | undefined; readonly error: ApiError | undefined } {
  const { name } = useGraph()
  const [error, setError] = useState<ApiError>()
  const log = useMemo(() => (filter === '' ? undefined : new EventLog()), [name, filter])
  useEffect(() => {
    setError(undefined)
    if (!log) return undefined
    return follow(name, () => ({ path: '/kastor/v1/events', query: { filter } }), {
      onEvent: (message) => { if (message.data !== '' && message.event !== 'models') log.take([{ position: message.id ?? '', event: parseJson(message.data) as unknown as CloudEvent, arrived: Date.now() }]) },
      onRefused: setError,
    })
  }, [name, filter, log])
  return { log, error }
}

export function useEvents(filter: string, paused: boolean): Shown {
  const { feed } = useGraph()
  const filtered = useFiltered(filter)
  const log = filtered.log ?? logOf(feed)
  const version = useSyncExternalStore((listener) => log.listen(listener), () => log.version)
  const [held, setHeld] = useState<readonly SeenEvent[]>()
  const [passed, setPassed] = useState(0)
  const stopped = useRef<number>(undefined)

  // The log goes on while the list stands still; what it could not hold meanwhile was passed over.
  useEffect(() => {
    if (paused) {
      stopped.current = log.listed
      setHeld(log.events)
    } else if (stopped.current !== undefined) {
      setPassed(Math.max(0, log.listed - stopped.current - MOST_EVENTS))
      setHeld(undefined)
      stopped.current = undefined
    }
  }, [paused, log])

  const events = useMemo(() => held ?? log.events, [held, log, version])
  return { log, events, error: filtered.error, passed }
}
