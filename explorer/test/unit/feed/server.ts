/** A server of which a test says when it answers. */
import { vi } from 'vitest'

export interface Asked {
  readonly url: URL
  readonly headers: Headers
  readonly answer: (response: Response) => void
}

export interface Stream { readonly response: Response; readonly send: (text: string) => void; readonly end: () => void }

export function stream(): Stream {
  let controller: ReadableStreamDefaultController<Uint8Array> | undefined
  const body = new ReadableStream<Uint8Array>({ start: (made) => { controller = made } })
  return {
    response: new Response(body, { status: 200, headers: { 'content-type': 'text/event-stream' } }),
    send: (text) => { controller?.enqueue(new TextEncoder().encode(text)) },
    end: () => { controller?.close() },
  }
}

export function serve(): { readonly asked: Asked[]; readonly of: (part: string) => readonly Asked[] } {
  const asked: Asked[] = []
  vi.stubGlobal('fetch', (url: string, init: RequestInit) => new Promise<Response>((resolve, reject) => {
    if (init.signal?.aborted === true) { reject(new DOMException('aborted', 'AbortError')); return }
    asked.push({ url: new URL(url, 'http://server'), headers: new Headers(init.headers), answer: resolve })
    init.signal?.addEventListener('abort', () => { reject(new DOMException('aborted', 'AbortError')) })
  }))
  return { asked, of: (part) => asked.filter((each) => each.url.pathname.includes(part)) }
}

export function json(value: unknown, status = 200): Response { return new Response(JSON.stringify(value), { status, headers: { 'content-type': 'application/json' } }) }
