/** A browser of several windows with one log behind them: locks and channels as browsers have them, told in turns. */
import { ApiError } from '@/api/errors'
import type { ServerEvent, StreamHandlers } from '@/api/events'
import { Member, type Ways } from '@/api/together'

interface Waiting { readonly run: () => Promise<void>; readonly reject: (error: unknown) => void }

class Locks {
  #held = new Map<string, { readonly reject: (error: unknown) => void }>()
  #waiting = new Map<string, Waiting[]>()

  request(name: string, options: LockOptions, led: LockGrantedCallback<unknown>): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const run = async (): Promise<void> => {
        const mine = { reject }
        this.#held.set(name, mine)
        await led(null)
        resolve(undefined)
        if (this.#held.get(name) !== mine) return
        this.#held.delete(name)
        void this.#waiting.get(name)?.shift()?.run()
      }
      if (options.steal === true) { this.#held.get(name)?.reject(new DOMException('stolen', 'AbortError')); void run(); return }
      if (!this.#held.has(name)) { void run(); return }
      const each = { run, reject }
      const list = this.#waiting.get(name) ?? []
      this.#waiting.set(name, list)
      list.push(each)
      options.signal?.addEventListener('abort', () => {
        const at = list.indexOf(each)
        if (at < 0) return
        list.splice(at, 1)
        reject(new DOMException('aborted', 'AbortError'))
      })
    })
  }
}

interface Channel { readonly name: string; readonly window: string; onmessage: ((event: { data: unknown }) => void) | null; readonly postMessage: (data: unknown) => void; readonly close: () => void }

interface Opened { readonly after: string | undefined; readonly handlers: StreamHandlers; readonly window: string; open: boolean }

export class Browser {
  readonly #channels = new Set<Channel>()
  readonly #locks = new Locks()
  readonly opened: Opened[] = []
  readonly missedAfter: string[] = []
  /** Oldest kept position and all events, by position. */
  oldest = 1
  readonly log: number[] = []
  newest = 0
  /** So often the log cannot be read. */
  failing = 0
  /** Windows that hear nothing for the time being. */
  readonly deaf = new Set<string>()

  get streams(): readonly Opened[] { return this.opened.filter((each) => each.open) }

  /** Something changes; who reads a stream hears of it. */
  change(): number {
    this.newest += 1
    this.log.push(this.newest)
    for (const each of this.streams) each.handlers.onEvent(eventAt(this.newest))
    return this.newest
  }

  window(window: string, options: { readonly last?: string; readonly name?: string; readonly begins?: boolean } = {}): Window {
    return new Window(this, window, options)
  }

  ways(window: string, begins: boolean): Ways {
    return {
      locks: this.#locks as unknown as Ways['locks'],
      channel: (name) => {
        const channel: Channel = {
          name, window, onmessage: null,
          postMessage: (data: unknown) => {
            const copy = structuredClone(data)
            for (const other of this.#channels) if (other !== channel && other.name === name) queueMicrotask(() => { if (this.#channels.has(other) && !this.deaf.has(other.window)) other.onmessage?.({ data: copy }) })
          },
          close: () => { this.#channels.delete(channel) },
        }
        this.#channels.add(channel)
        return channel as unknown as BroadcastChannel
      },
      follow: (_graph, _call, handlers, after) => {
        const mine: Opened = { after, handlers, window, open: true }
        this.opened.push(mine)
        if (begins) queueMicrotask(() => { this.begin(mine) })
        return () => { mine.open = false }
      },
      missed: async (_graph, _call, after) => {
        this.missedAfter.push(after)
        await Promise.resolve()
        if (this.failing > 0) {
          this.failing -= 1
          throw new ApiError(503, 'Unavailable', 'later')
        }
        if (Number(after) + 1 < this.oldest) throw new ApiError(410, 'ChangesGone', 'gone')
        return { events: this.log.filter((each) => each > Number(after)).map((each) => ({ ...eventAt(each), id: String(this.newest) })), to: String(this.newest) }
      },
    }
  }

  begin(mine: Opened): void {
    if (!mine.open) return
    if (mine.after !== undefined && Number(mine.after) + 1 < this.oldest) { mine.handlers.onRefused?.(new ApiError(410, 'ChangesGone', 'gone')); return }
    mine.handlers.onEvent({ id: mine.after ?? String(this.newest), event: 'message', data: '' })
    mine.handlers.onEvent({ id: undefined, event: 'models', data: '{"epoch":4}' })
    for (const each of this.log) if (mine.after !== undefined && each > Number(mine.after)) mine.handlers.onEvent(eventAt(each))
  }
}

export function eventAt(position: number): ServerEvent { return { id: String(position), event: 'x', data: `e${position}` } }

/** A window, and what it heard. */
export class Window {
  readonly heard: string[] = []
  readonly models: string[] = []
  position: string | undefined
  broken = 0
  refused: string | undefined
  readonly member: Member

  constructor(browser: Browser, window: string, { last, name = 'feed', begins = true }: { readonly last?: string; readonly name?: string; readonly begins?: boolean }) {
    this.member = new Member(name, {
      graph: 'default', call: { path: '/kastor/v1/events' },
      handlers: {
        onEvent: (event) => {
          if (event.id !== undefined) this.position = event.id
          if (event.event === 'models') this.models.push(event.data)
          else if (event.data !== '') this.heard.push(event.data)
        },
        onBroken: () => { this.broken += 1 },
        onRefused: (error) => { this.refused = error.code },
      },
    }, last, browser.ways(window, begins))
  }
}
