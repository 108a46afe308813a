import { ApiError, errorOf } from './errors'
import { isShut, passGate } from './gate'
import { type Json, parseJson, writeJson } from './json'
import { graphBase } from './place'
import { useSession, waitForToken } from './session'

export const API_VERSION = '2023-10-31'

export interface Call {
  readonly method?: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  /** Path below the graph's; its parts are encoded already (`path` does it). */
  readonly path: string
  readonly query?: Readonly<Record<string, string | number | boolean | readonly string[] | undefined>>
  readonly headers?: Readonly<Record<string, string | undefined>>
  /** Sent as JSON; `raw` sends bytes or text as they are. */
  readonly body?: unknown
  readonly raw?: BodyInit
  readonly signal?: AbortSignal | undefined
  /** An instant that a read is of. */
  readonly at?: string | undefined
  /** It does not wait for the feed to begin: nothing that is read here is told by events. */
  readonly ahead?: boolean
}

export interface Answer<T = Json> {
  readonly status: number
  readonly data: T
  readonly headers: Headers
}

interface Trace { readonly method: string; readonly path: string; readonly status: number; readonly ms: number; readonly at: string }

/** Reads of an instant that are under way: who moves through time waits for them. */
export const reads = { waiting: 0 }

const LAST = 20
const traces: Trace[] = []

/** The last requests, for a report of an error: paths without query and without bodies. */
export function lastRequests(): readonly Trace[] { return traces }

/** Build a path, its values encoded: `path('/digitaltwins/{id}', {id})`. */
export function path(pattern: string, values: Readonly<Record<string, string>>): string {
  return pattern.replace(/\{(\w+)\}/g, (_whole, name: string) => encodeURIComponent(values[name] ?? ''))
}

function urlOf(graph: string, call: Call): string {
  const query = new URLSearchParams({ 'api-version': API_VERSION })
  for (const [name, value] of Object.entries(call.query ?? {})) {
    if (Array.isArray(value)) for (const each of value as readonly string[]) query.append(name, each)
    else if (value !== undefined) query.set(name, String(value))
  }
  return `${graphBase(graph)}${call.path}?${query.toString()}`
}

function initOf(call: Call, token: string | undefined): RequestInit {
  const headers = new Headers({ accept: 'application/json' })
  if (token !== undefined) headers.set('authorization', `Bearer ${token}`)
  if (call.body !== undefined) headers.set('content-type', call.method === 'PATCH' ? 'application/json-patch+json' : 'application/json')
  if (call.at !== undefined) headers.set('kastor-as-of', call.at)
  for (const [name, value] of Object.entries(call.headers ?? {})) if (value !== undefined) headers.set(name, value)
  const body = call.raw ?? (call.body === undefined ? undefined : writeJson(call.body))
  return { method: call.method ?? 'GET', headers, ...(body !== undefined && { body }), ...(call.signal && { signal: call.signal }), credentials: 'omit', cache: 'no-store' }
}

/** Whether events tell how what is read here goes on. */
function isFollowed(call: Call): boolean {
  return call.ahead !== true && call.at === undefined && ((call.method ?? 'GET') === 'GET' || call.path === '/query')
}

/**
 * Send a request and return the response as it comes, once access is settled: a 401 asks for a token and sends it again.
 * Throws ApiError for every answer that is an error, and where there is none; AbortError passes.
 */
export async function open(graph: string, call: Call): Promise<Response> {
  for (;;) {
    if (isFollowed(call) && isShut(graph)) await passGate(graph, call.signal)
    const { token } = useSession.getState()
    const began = performance.now()
    const response = await answerOf(graph, call, token)
    traces.push({ method: call.method ?? 'GET', path: call.path, status: response.status, ms: Math.round(performance.now() - began), at: new Date().toISOString() })
    if (traces.length > LAST) traces.shift()
    if (response.status === 401) {
      await response.body?.cancel()
      await waitForToken(token, token === undefined ? 'missing' : 'refused')
      continue
    }
    if (!response.ok && response.status !== 304) throw errorOf(response.status, await bodyOf(response), response.headers)
    return response
  }
}

async function answerOf(graph: string, call: Call, token: string | undefined): Promise<Response> {
  if (call.at !== undefined) reads.waiting += 1
  try {
    return await fetch(urlOf(graph, call), initOf(call, token))
  } catch (error) {
    if (error instanceof DOMException && error.name === 'AbortError') throw error
    throw new ApiError(0, 'NoAnswer', 'The server does not answer.')
  } finally {
    if (call.at !== undefined) reads.waiting -= 1
  }
}

async function bodyOf(response: Response): Promise<Json> {
  const text = await response.text()
  if (text === '') return null
  try {
    return parseJson(text)
  } catch {
    return text
  }
}

/** Send a request and read its JSON. `T` is the operation's form, from `api/types`. */
export async function send<T = Json>(graph: string, call: Call): Promise<Answer<T>> {
  const response = await open(graph, call)
  // The one border where JSON gets its type: the description of the API is the server's own, a test compares them.
  const data = (await bodyOf(response)) as T
  return { status: response.status, data, headers: response.headers }
}
