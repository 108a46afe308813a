/** Moving through time: what is dragged, what plays, how far one looks. The instant itself stands in the address (`at`). */
import { create } from 'zustand'
import { reads } from '@/api/http'
import { onLeave } from './leaving'

export const SPEEDS = [1, 10, 60, 600] as const
export type Speed = (typeof SPEEDS)[number]
export type Range = readonly [number, number]

interface ClockState {
  /** Where the handle is while it is dragged or plays; the address follows as fast as the server answers. */
  readonly held: number | undefined
  readonly playing: boolean
  readonly speed: Speed
  /** The part of the past that is looked at; undefined: all that is kept. */
  readonly range: Range | undefined
  /** Whether the bar is opened. */
  readonly open: boolean
}

export const useClock = create<ClockState>(() => ({ held: undefined, playing: false, speed: 60, range: undefined, open: false }))
onLeave(() => { useClock.setState({ held: undefined, playing: false, range: undefined }) })

/** Reads of an instant are begun at most so often; and not before the last ones are answered, but then after this long. */
export const LEAST_MS = 125
export const PATIENCE_MS = 1500

export interface Ways {
  readonly now: () => number
  readonly later: (run: () => void, ms: number) => () => void
  /** Reads of an instant that are under way. */
  readonly waiting: () => number
  readonly go: (ms: number | undefined) => void
}

/** Lets instants through as fast as they can be read: the last one always comes through, those between need not. */
export class Scrubber {
  #wanted: { readonly ms: number | undefined } | undefined
  #last = -Infinity
  #cancel: (() => void) | undefined
  readonly #ways: Ways

  constructor(ways: Ways) { this.#ways = ways }

  want(ms: number | undefined): void {
    this.#wanted = { ms }
    this.#try()
  }

  /** Let the last one through now. */
  settle(): void {
    this.#cancel?.()
    this.#cancel = undefined
    const wanted = this.#wanted
    this.#wanted = undefined
    if (!wanted) return
    this.#last = this.#ways.now()
    this.#ways.go(wanted.ms)
  }

  stop(): void {
    this.#cancel?.()
    this.#cancel = undefined
    this.#wanted = undefined
  }

  #try(): void {
    if (this.#cancel || !this.#wanted) return
    const since = this.#ways.now() - this.#last
    if (since >= LEAST_MS && (this.#ways.waiting() === 0 || since >= PATIENCE_MS)) { this.settle(); return }
    const pause = since < LEAST_MS ? LEAST_MS - since : LEAST_MS / 4
    this.#cancel = this.#ways.later(() => { this.#cancel = undefined; this.#try() }, pause)
  }
}

export function laterBy(run: () => void, ms: number): () => void {
  const timer = setTimeout(run, ms)
  return () => { clearTimeout(timer) }
}

/** A scrubber of this page. */
export function pageScrubber(go: (ms: number | undefined) => void): Scrubber {
  return new Scrubber({ now: () => performance.now(), later: laterBy, waiting: () => reads.waiting, go })
}

/** Where a clock is that began at `from` and goes `speed` times as fast as time does; undefined: it has come to now. */
export function playedTo(from: number, begun: number, speed: number, now: number): number | undefined {
  const at = from + (now - begun) * speed
  return at >= now ? undefined : at
}

/** Where playing begins that is started in the present. */
export function playStart(range: Range | undefined, oldest: number, now: number, speed: number): number {
  return Math.max(oldest, range?.[0] ?? now - Math.max(60_000, speed * 15_000))
}

/** What was read of one instant stays while the same is read of another: nothing blinks while one moves through time. */
export function heldOver(key: readonly unknown[], at: string | undefined): <T>(before: T | undefined, query: { readonly queryKey: readonly unknown[] } | undefined) => T | undefined {
  return (before, query) => (query && isSameButAt(query.queryKey, key, at) ? before : undefined)
}

export function isSameButAt(before: readonly unknown[], key: readonly unknown[], at: string | undefined): boolean {
  if (before.length !== key.length) return false
  const other = key.flatMap((each, index) => (Object.is(each, before[index]) ? [] : [index]))
  return other.every((index) => key[index] === at && (before[index] === undefined || typeof before[index] === 'string')) && other.length <= 1
}
