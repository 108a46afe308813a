/** Events that a stream had before one listened to it: read from the log, page by page. */
import { ApiError } from './errors'
import type { ServerEvent } from './events'
import { type Call, open } from './http'
import { isBefore } from './positions'

const PAGE = '1000'
const MOST = 20_000

export interface Missed { readonly events: readonly ServerEvent[]; readonly to: string }

/** Read what came after a position, up to another at least. Of very much it is better to read the state anew: that is refused. */
export async function readMissed(graph: string, call: Call, after: string, upTo: string, signal: AbortSignal): Promise<Missed> {
  const events: ServerEvent[] = []
  let position = after
  for (;;) {
    const response = await open(graph, { ...call, ahead: true, signal, query: { ...call.query, format: 'ndjson', after: position }, headers: { accept: 'application/x-ndjson', 'max-items-per-page': PAGE } })
    const lines = (await response.text()).split('\n').filter((line) => line !== '')
    const next = response.headers.get('kastor-next-position') ?? position
    events.push(...lines.map((data) => ({ id: next, event: 'message', data })))
    if (!isBefore(next, upTo)) return { events, to: next }
    if (next === position) return { events, to: upTo }
    if (events.length > MOST) throw new ApiError(410, 'ChangesGone', 'Too much was missed.')
    position = next
  }
}
