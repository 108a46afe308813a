/** A stream of Server-Sent Events over fetch, since an EventSource sends no token. */
import { ApiError, asApiError } from './errors'
import { type Call, open } from './http'

export interface ServerEvent { readonly id: string | undefined; readonly event: string; readonly data: string }

export interface StreamHandlers {
  onOpen?: () => void
  onEvent: (event: ServerEvent) => void
  /** The stream broke; it is tried again after so many milliseconds. */
  onBroken?: (error: ApiError, retryIn: number, attempt: number) => void
  /** Asking again cannot help, such as a position that is gone. */
  onRefused?: (error: ApiError) => void
}

const FIRST_PAUSE = 500
const LONGEST_PAUSE = 15_000
const MOST_PENDING = 4_000_000

/** Cut a stream of text into events; returns what is no whole event yet. */
export function takeEvents(text: string, take: (event: ServerEvent) => void): string {
  let rest = text
  for (;;) {
    const end = /\r?\n\r?\n/.exec(rest)
    if (end === null) return rest
    const block = rest.slice(0, end.index)
    rest = rest.slice(end.index + end[0].length)
    let id: string | undefined
    let event = 'message'
    const data: string[] = []
    for (const line of block.split(/\r?\n/)) {
      const [, name, value] = /^([^:]*):? ?(.*)$/s.exec(line) ?? []
      if (name === 'id') id = value
      else if (name === 'event') event = value ?? ''
      else if (name === 'data') data.push(value ?? '')
    }
    if (id !== undefined || data.length > 0) take({ id, event, data: data.join('\n') })
  }
}

function pauseBefore(attempt: number): number {
  const longest = Math.min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** attempt)
  return longest * (0.5 + Math.random() / 2)
}

/** Follow a stream until it is stopped; returns how to stop it. Reconnects after the last event that came. */
export function follow(graph: string, callFrom: (lastId: string | undefined) => Call, handlers: StreamHandlers, lastId?: string): () => void {
  const stop = new AbortController()
  let last = lastId

  const run = async (): Promise<void> => {
    for (let attempt = 0; !stop.signal.aborted; attempt += 1) {
      let error: ApiError
      try {
        const call = callFrom(last)
        const response = await open(graph, {
          ...call, ahead: true, signal: stop.signal,
          headers: { ...call.headers, accept: 'text/event-stream', ...(last !== undefined && { 'last-event-id': last }) },
        })
        handlers.onOpen?.()
        attempt = 0
        await read(response)
        error = new ApiError(0, 'StreamEnded', 'The stream ended.')
      } catch (thrown) {
        error = asApiError(thrown)
      }
      if (stop.signal.aborted) return
      if (error.status >= 400 && error.status < 500 && error.status !== 408 && error.status !== 429) {
        handlers.onRefused?.(error)
        return
      }
      const pause = pauseBefore(attempt)
      handlers.onBroken?.(error, pause, attempt + 1)
      await new Promise((resolve) => setTimeout(resolve, pause))
    }
  }

  const read = async (response: Response): Promise<void> => {
    const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader()
    if (!reader) return
    let pending = ''
    for (;;) {
      const { done, value } = await reader.read()
      if (done) return
      pending = takeEvents(pending + value, (event) => {
        if (event.id !== undefined) last = event.id
        handlers.onEvent(event)
      })
      if (pending.length > MOST_PENDING) throw new ApiError(0, 'EventTooLong', 'An event of the stream is too long.')
    }
  }

  void run()
  return () => { stop.abort() }
}
