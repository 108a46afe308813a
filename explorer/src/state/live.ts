/** The feed of a graph: one stream, told once a frame to whoever listens (design 6.2). Reads of the page wait until it has begun. */
import { create } from 'zustand'
import type { ApiError } from '@/api/errors'
import type { ServerEvent } from '@/api/events'
import { openGate, shutGate } from '@/api/gate'
import { parseJson } from '@/api/json'
import { useSession } from '@/api/session'
import { followTogether } from '@/api/together'
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

/** Reads wait no longer for the feed to begin; what they miss is read anew then. */
const PATIENCE_MS = 1500

/** Why what was read has to be read anew: positions are gone, or reads did not wait for the feed to begin. */
export type Gap = 'gone' | 'late'

export interface Feed {
  /** Hear of events, at most once a frame. */
  listen: (listener: (batch: Batch) => void) => () => void
  /** Hear of changes of the models. */
  onModels: (listener: (epoch: number) => void) => () => void
  /** Hear that events were missed, so that what was read has to be read anew. */
  onGap: (listener: (why: Gap) => void) => () => void
  /** Begin to follow; returns how to stop. */
  start: () => () => void
  pause: () => void
  resume: () => void
}

/** A graph's feed, which keeps the twin store in step with the graph. */
export function makeFeed(graph: string, twins: TwinStore): Feed {
  const listeners = new Set<(batch: Batch) => void>()
  const modelListeners = new Set<(epoch: number) => void>()
  const gapListeners = new Set<(why: Gap) => void>()
  const seconds = new Array<number>(RATE_SECONDS).fill(0)
  let queue: SeenEvent[] = []
  let planned = false
  let stopStream: (() => void) | undefined
  let lastPosition: string | undefined
  let gap: Gap | undefined
  let isOpen = false
  let impatient: ReturnType<typeof setTimeout> | undefined

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

  /** Let reads wait until the position is known from which events tell how what they found goes on. */
  const holdReads = (): void => {
    clearTimeout(impatient)
    if (lastPosition !== undefined) return
    shutGate(graph)
    impatient = setTimeout(letReads, PATIENCE_MS)
  }

  const letReads = (): void => {
    clearTimeout(impatient)
    if (lastPosition === undefined) gap ??= 'late'
    openGate(graph)
  }

  const opened = (): void => {
    isOpen = true
    useLive.setState({ connection: { state: 'live' } })
    const missed = gap
    gap = undefined
    letReads()
    // What is read from now on is followed by the feed; before, it would miss what came until it was open.
    if (missed) gapListeners.forEach((listener) => { listener(missed) })
  }

  const take = (message: ServerEvent): void => {
    if (message.id !== undefined) {
      lastPosition = message.id
      if (!isOpen) opened()
    }
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
    stopStream?.()
    isOpen = false
    useLive.setState({ connection: { state: 'connecting' } })
    holdReads()
    stopStream = followTogether(graph, { path: '/kastor/v1/events' }, {
      onEvent: take,
      onBroken: (_error, _pause, attempt) => {
        isOpen = false
        letReads()
        useLive.setState((before) => ({
          connection: { state: 'reconnecting', attempt, since: before.connection.state === 'reconnecting' ? before.connection.since : Date.now() },
        }))
      },
      onRefused: (error) => {
        if (lastPosition === undefined) { letReads(); useLive.setState({ connection: { state: 'refused', error } }); return }
        // The position is gone: begin at now, and let everybody read anew.
        lastPosition = undefined
        gap = 'gone'
        begin()
      },
    }, lastPosition)
  }

  const tick = (): void => {
    useLive.setState({ rate: seconds.reduce((sum, each) => sum + each, 0) / RATE_SECONDS })
    seconds.pop()
    seconds.unshift(0)
  }

  const start = (): () => void => {
    const ticking = setInterval(tick, 1000)
    // Who was refused may be let in with another token; and nobody goes on hearing what a token that was given up let them hear.
    const offToken = useSession.subscribe((now, before) => {
      if (now.token !== before.token && useLive.getState().connection.state !== 'paused') begin()
    })
    begin()
    return () => {
      stopStream?.()
      clearInterval(ticking)
      offToken()
      clearTimeout(impatient)
      openGate(graph)
      listeners.clear()
    }
  }

  return {
    listen: (listener) => { listeners.add(listener); return () => listeners.delete(listener) },
    onModels: (listener) => { modelListeners.add(listener); return () => modelListeners.delete(listener) },
    onGap: (listener) => { gapListeners.add(listener); return () => gapListeners.delete(listener) },
    start,
    pause: () => { stopStream?.(); isOpen = false; letReads(); useLive.setState({ connection: { state: 'paused' } }) },
    resume: begin,
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
