/** One stream for all windows of a browser that ask the same: who holds the lock reads it and tells the others (design 6.2). */
import { ApiError, asApiError } from './errors'
import { follow, type ServerEvent, type StreamHandlers } from './events'
import type { Call } from './http'
import { type Missed, readMissed } from './missed'
import { graphBase } from './place'
import { isBefore } from './positions'
import { useSession } from './session'

/** What windows say to each other. News go from one position to another, so that who missed some finds out. */
type Told =
  | { readonly kind: 'asks' }
  | { readonly kind: 'news'; readonly from: string; readonly to: string; readonly events: readonly ServerEvent[] }
  | { readonly kind: 'broken'; readonly status: number; readonly code: string; readonly message: string; readonly retryIn: number; readonly attempt: number }

type News = Extract<Told, { kind: 'news' }>
type Broken = Extract<Told, { kind: 'broken' }>

/** The server gives a sign of life every 15 seconds: who says nothing for so long is asleep, and another one leads. */
const SILENT_MS = 45_000
const LOOK_MS = 5_000
/** News that wait while missed ones are read; those beyond are found missing afterwards. */
const MOST_WAITING = 1_000

export interface Ways {
  readonly locks: Pick<LockManager, 'request'>
  readonly channel: (name: string) => BroadcastChannel
  readonly follow: typeof follow
  readonly missed: typeof readMissed
}

/** Follow a stream as `follow` does, shared where this browser can. Whoever comes with another token has to begin anew. */
export function followTogether(graph: string, call: Call, handlers: StreamHandlers, lastId?: string): () => void {
  if (!('locks' in navigator) || typeof BroadcastChannel === 'undefined') return follow(graph, () => call, handlers, lastId)
  const ways: Ways = { locks: navigator.locks, channel: (name) => new BroadcastChannel(name), follow, missed: readMissed }
  const stop = new AbortController()
  void nameOf(graph, useSession.getState().token).then((name) => {
    if (stop.signal.aborted) return
    const member = new Member(name, { graph, call, handlers }, lastId, ways)
    stop.signal.addEventListener('abort', () => { member.leave() })
  })
  return () => { stop.abort() }
}

/** The same for the same token alone: nobody hears what another one may hear. The token itself is not in the name. */
export async function nameOf(graph: string, token: string | undefined): Promise<string> {
  const digest = token === undefined ? [] : [...new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(token)))]
  return `kastor.feed.1 ${graphBase(graph)} ${digest.map((byte) => byte.toString(16).padStart(2, '0')).join('')}`
}

interface Wanted { readonly graph: string; readonly call: Call; readonly handlers: StreamHandlers }

/** One window of those that share. */
export class Member {
  readonly #name: string
  readonly #wanted: Wanted
  readonly #ways: Ways
  readonly #channel: BroadcastChannel
  readonly #looking: ReturnType<typeof setInterval>
  readonly #offSession: () => void
  #last: string | undefined
  #left = false
  #waiting = new AbortController()
  #heardAt = Date.now()
  /** Ends the stream of this window, while it is the one that leads. */
  #endLead: (() => void) | undefined
  #from: string | undefined
  #batch: ServerEvent[] = []
  #models: ServerEvent | undefined
  #broken: Broken | undefined
  #filling: AbortController | undefined
  #held: News[] = []
  /** What the models are, as news said for which there was no room. */
  #over: ServerEvent | undefined

  constructor(name: string, wanted: Wanted, lastId: string | undefined, ways: Ways) {
    this.#name = name
    this.#wanted = wanted
    this.#ways = ways
    this.#last = lastId
    this.#channel = ways.channel(name)
    this.#channel.onmessage = ({ data }: MessageEvent<Told>) => { this.#hear(data) }
    // Who waits for a token keeps nobody waiting who has one.
    this.#offSession = useSession.subscribe((now) => { if (now.waits) this.#endLead?.() })
    this.#looking = setInterval(() => { this.#look() }, LOOK_MS)
    this.#queueUp(false)
    this.#post({ kind: 'asks' })
  }

  leave(): void {
    this.#tell()
    this.#left = true
    clearInterval(this.#looking)
    this.#offSession()
    this.#filling?.abort()
    this.#waiting.abort()
    this.#endLead?.()
    this.#channel.close()
  }

  #post(told: Told): void { if (!this.#left) this.#channel.postMessage(told) }

  #queueUp(steal: boolean): void {
    this.#waiting.abort()
    const waiting = this.#waiting = new AbortController()
    const led = (): Promise<void> => this.#lead()
    const asked = steal ? this.#ways.locks.request(this.#name, { steal: true }, led) : this.#ways.locks.request(this.#name, { signal: waiting.signal }, led)
    asked.catch(() => {
      // Another window took the lead, since this one was asleep.
      if (this.#left || this.#waiting !== waiting) return
      this.#endLead?.()
      this.#queueUp(false)
    })
  }

  #look(): void {
    if (this.#endLead || this.#left || Date.now() - this.#heardAt < SILENT_MS) return
    this.#heardAt = Date.now()
    this.#queueUp(true)
  }

  #lead(): Promise<void> {
    if (this.#left) return Promise.resolve()
    this.#filling?.abort()
    this.#held = []
    this.#over = undefined
    return new Promise((resolve) => {
      const { graph, call, handlers } = this.#wanted
      const stop = this.#ways.follow(graph, () => call, {
        onEvent: (event) => { this.#read(event) },
        onBroken: (error, retryIn, attempt) => {
          this.#broken = { kind: 'broken', status: error.status, code: error.code, message: error.message, retryIn, attempt }
          this.#post(this.#broken)
          handlers.onBroken?.(error, retryIn, attempt)
        },
        // Each asks for itself, the next one now: what one is refused another may have.
        onRefused: (error) => { this.leave(); handlers.onRefused?.(error) },
      }, this.#last)
      this.#endLead = () => {
        this.#tell()
        this.#endLead = undefined
        this.#heardAt = Date.now()
        stop()
        resolve()
      }
    })
  }

  #read(event: ServerEvent): void {
    const before = this.#last
    if (event.id !== undefined) this.#last = event.id
    if (event.event === 'models') this.#models = event
    this.#broken = undefined
    if (this.#batch.length === 0) {
      this.#from = before ?? event.id
      queueMicrotask(() => { this.#tell() })
    }
    this.#batch.push(event)
    this.#wanted.handlers.onEvent(event)
  }

  #tell(): void {
    const events = this.#batch
    this.#batch = []
    if (events.length > 0 && this.#from !== undefined && this.#last !== undefined) this.#post({ kind: 'news', from: this.#from, to: this.#last, events: events.filter((each) => each.data !== '') })
  }

  #hear(told: Told): void {
    if (this.#left) return
    if (this.#endLead) {
      if (told.kind === 'asks') this.#answer()
      return
    }
    if (told.kind === 'asks') return
    this.#heardAt = Date.now()
    if (told.kind === 'broken') this.#wanted.handlers.onBroken?.(new ApiError(told.status, told.code, told.message), told.retryIn, told.attempt)
    else if (!this.#filling) this.#take(told)
    else if (this.#held.length < MOST_WAITING) this.#held.push(told)
    // Where the models are stands in no log.
    else this.#over = told.events.findLast((each) => each.event === 'models') ?? this.#over
  }

  /** Tell who has come where the stream is. */
  #answer(): void {
    this.#tell()
    if (this.#broken) this.#post(this.#broken)
    else if (this.#last !== undefined) this.#post({ kind: 'news', from: this.#last, to: this.#last, events: this.#models ? [this.#models] : [] })
  }

  #take({ from, to, events }: News): void {
    const last = this.#last
    // A log that went back is another one: its positions count from there.
    const isBack = isBefore(to, from)
    if (last !== undefined && !isBack && isBefore(last, from)) { void this.#fill(last, to, events); return }
    this.#pass({ id: isBack ? to : last ?? from, event: 'message', data: '' })
    for (const event of events) if (event.id === undefined || last === undefined || isBack || isBefore(last, event.id)) this.#pass(event)
    if (isBack || last === undefined || isBefore(last, to)) this.#pass({ id: to, event: 'message', data: '' })
  }

  #pass(event: ServerEvent): void {
    if (event.id !== undefined) this.#last = event.id
    this.#wanted.handlers.onEvent(event)
  }

  /** Read from the log what this window has missed, and go on with what it was told meanwhile. */
  async #fill(last: string, upTo: string, events: readonly ServerEvent[]): Promise<void> {
    const filling = this.#filling = new AbortController()
    const missed = await this.#missed(last, upTo, filling.signal)
    if (this.#filling === filling) this.#filling = undefined
    if (!missed || filling.signal.aborted) return
    for (const event of [...missed.events, ...events.filter((each) => each.id === undefined)]) this.#pass(event)
    this.#pass({ id: missed.to, event: 'message', data: '' })
    const held = this.#held
    const over = this.#over
    this.#held = []
    this.#over = undefined
    for (const each of held) this.#hear(each)
    if (over) this.#pass(over)
  }

  /** Nothing that was told is let go while the log cannot be read: it is asked again, after a pause. */
  async #missed(last: string, upTo: string, signal: AbortSignal): Promise<Missed | undefined> {
    const { graph, call, handlers } = this.#wanted
    for (let attempt = 1; !signal.aborted; attempt += 1) {
      try {
        return await this.#ways.missed(graph, call, last, upTo, signal)
      } catch (thrown) {
        if (signal.aborted) return undefined
        const error = asApiError(thrown)
        if (error.status >= 400 && error.status < 500 && error.status !== 429) {
          this.leave()
          handlers.onRefused?.(error)
          return undefined
        }
        handlers.onBroken?.(error, LOOK_MS, attempt)
        await pause(LOOK_MS, signal)
      }
    }
    return undefined
  }
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms)
    signal.addEventListener('abort', () => { clearTimeout(timer); resolve() })
  })
}
