/** The feed of a graph: one stream for the page, told once a frame to whoever listens (design 6.2). */
import { create } from 'zustand'
import type { ApiError } from '@/api/errors'
import { follow, type ServerEvent } from '@/api/events'
import { parseJson } from '@/api/json'
import { useSession } from '@/api/session'
import type { CloudEvent } from '@/api/types'
import type { TwinStore } from './twins'

export type Connection =
  | { readonly state: 'connecting' | 'live' | 'paused' }
  | { readonly state: 'reconnecting'; readonly attempt: number; readonly since: number }
  | { readonly state: 'refused'; readonly error: ApiError }

interface LiveState {
  readonly connection: Connection
  /** Events of the last ten seconds, a second. */
  readonly rate: number
  readonly seen: number
}

export const useLive = create<LiveState>(() => ({ connection: { state: 'connecting' }, rate: 0, seen: 0 }))

export interface SeenEvent { readonly position: string; readonly event: CloudEvent; readonly arrived: number }
export type Batch = readonly SeenEvent[]

const HIDDEN_MS = 100
const RATE_SECONDS = 10
const MOST_QUEUED = 20_000

export interface Feed {
  /** Hear of events, at most once a frame. */
  listen: (listener: (batch: Batch) => void) => () => void
  /** Hear of changes of the models. */
  onModels: (listener: (epoch: number) => void) => () => void
  /** Hear that events were missed, so that what was read has to be read anew. */
  onGap: (listener: () => void) => () => void
  pause: () => void
  resume: () => void
  stop: () => void
}

/** Follow a graph's feed and keep the twin store in step with it. */
export function startFeed(graph: string, twins: TwinStore): Feed {
  const listeners = new Set<(batch: Batch) => void>()
  const modelListeners = new Set<(epoch: number) => void>()
  const gapListeners = new Set<() => void>()
  const seconds = new Array<number>(RATE_SECONDS).fill(0)
  let queue: SeenEvent[] = []
  let planned = false
  let stopStream: (() => void) | undefined
  let lastPosition: string | undefined
  let isGap = false

  const flush = (): void => {
    planned = false
    const batch = queue
    queue = []
    if (batch.length === 0) return
    for (const each of batch) twins.apply(each.event)
    for (const listener of listeners) listener(batch)
    useLive.setState((before) => ({ seen: before.seen + batch.length }))
  }

  const plan = (): void => {
    if (planned) return
    planned = true
    if (document.hidden) setTimeout(flush, HIDDEN_MS)
    else requestAnimationFrame(flush)
  }

  const take = (message: ServerEvent): void => {
    if (message.id !== undefined) lastPosition = message.id
    if (message.data === '') return
    if (message.event === 'models') {
      const epoch = readEpoch(message.data)
      if (epoch !== undefined) modelListeners.forEach((listener) => { listener(epoch) })
      return
    }
    queue.push({ position: message.id ?? '', event: parseJson(message.data) as unknown as CloudEvent, arrived: Date.now() })
    seconds[0] = (seconds[0] ?? 0) + 1
    if (queue.length > MOST_QUEUED) flush()
    plan()
  }

  const begin = (): void => {
    useLive.setState({ connection: { state: 'connecting' } })
    stopStream = follow(graph, () => ({ path: '/kastor/v1/events' }), {
      onOpen: () => {
        useLive.setState({ connection: { state: 'live' } })
        // What is read from now on is followed by the feed; before, it would miss what came until it was open.
        if (isGap) gapListeners.forEach((listener) => { listener() })
        isGap = false
      },
      onEvent: take,
      onBroken: (_error, _pause, attempt) => {
        useLive.setState((before) => ({
          connection: { state: 'reconnecting', attempt, since: before.connection.state === 'reconnecting' ? before.connection.since : Date.now() },
        }))
      },
      onRefused: (error) => {
        if (lastPosition === undefined) { useLive.setState({ connection: { state: 'refused', error } }); return }
        // The position is gone: begin at now, and let everybody read anew.
        lastPosition = undefined
        isGap = true
        begin()
      },
    }, lastPosition)
  }

  const ticking = setInterval(() => {
    useLive.setState({ rate: seconds.reduce((sum, each) => sum + each, 0) / RATE_SECONDS })
    seconds.pop()
    seconds.unshift(0)
  }, 1000)

  // Who was refused may be let in with another token; and nobody goes on hearing what a token that was given up let them hear.
  const offToken = useSession.subscribe((now, before) => {
    if (now.token === before.token) return
    const { state } = useLive.getState().connection
    if (state !== 'refused' && (state === 'paused' || before.token === undefined)) return
    stopStream?.()
    begin()
  })

  begin()
  return {
    listen: (listener) => { listeners.add(listener); return () => listeners.delete(listener) },
    onModels: (listener) => { modelListeners.add(listener); return () => modelListeners.delete(listener) },
    onGap: (listener) => { gapListeners.add(listener); return () => gapListeners.delete(listener) },
    pause: () => { stopStream?.(); useLive.setState({ connection: { state: 'paused' } }) },
    resume: begin,
    stop: () => { stopStream?.(); offToken(); clearInterval(ticking); listeners.clear() },
  }
}

function readEpoch(data: string): number | undefined {
  try {
    const value = JSON.parse(data) as { epoch?: unknown }
    return typeof value.epoch === 'number' ? value.epoch : undefined
  } catch {
    return undefined
  }
}
