import { type Answer, type Call, send } from './http'
import { graphBase } from './place'
import type { Page, QueryPage } from './types'

/** Return the call of a link to the next page; the server wrote it as an absolute address. */
export function nextCall(graph: string, link: string): Call {
  const url = new URL(link, document.baseURI)
  const base = graphBase(graph)
  const path = url.pathname.startsWith(`${base}/`) ? url.pathname.slice(base.length) : url.pathname
  const query: Record<string, string | readonly string[]> = {}
  for (const name of new Set(url.searchParams.keys())) if (name !== 'api-version') query[name] = url.searchParams.getAll(name)
  return { path, query }
}

/** Read every page of a list; `most` is where it stops. */
export async function* pages<T, P extends Page<T> = Page<T>>(graph: string, call: Call, most = Infinity): AsyncGenerator<Answer<P>> {
  let next: Call | undefined = call
  let count = 0
  while (next && count < most) {
    const answer: Answer<P> = await send<P>(graph, { ...next, signal: call.signal, at: call.at, ...(call.headers && { headers: call.headers }) })
    count += answer.data.value.length
    yield answer
    const link: string | null | undefined = answer.data.nextLink
    next = link ? nextCall(graph, link) : undefined
  }
}

/** Run a query page by page. */
export async function* queryPages(graph: string, call: { readonly query: string; readonly signal?: AbortSignal | undefined; readonly at?: string | undefined; readonly pageSize?: number }): AsyncGenerator<Answer<QueryPage>> {
  let token: string | null | undefined
  do {
    const answer: Answer<QueryPage> = await send(graph, {
      method: 'POST', path: '/query', signal: call.signal, at: call.at,
      headers: { 'max-items-per-page': call.pageSize === undefined ? undefined : String(call.pageSize) },
      body: token ? { continuationToken: token } : { query: call.query },
    })
    yield answer
    token = answer.data.continuationToken
  } while (token)
}
