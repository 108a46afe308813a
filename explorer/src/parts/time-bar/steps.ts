/** The change before and the change after an instant, of what is selected or of the whole graph. */
import { ApiError } from '@/api/errors'
import { send } from '@/api/http'
import { compareInstants } from '@/state/instants'
import { historyPath, parseSubject } from '@/parts/subject'
import type { Activity } from './activity'

export type Direction = 'before' | 'after'

interface Entry { readonly from: string }

const FEW = 3
/** Entries of one time are one step. */
const MOST_TRIES = 24

/** Of several the nearest. */
export function nearest(times: readonly (string | undefined)[], direction: Direction): string | undefined {
  return times.reduce((best, each) => {
    if (each === undefined || best === undefined) return best ?? each
    return (compareInstants(each, best) > 0) === (direction === 'before') ? each : best
  }, undefined)
}

/** The first of some entries that lies on one side of an instant. */
export function firstBeyond(entries: readonly Entry[], at: string | undefined, direction: Direction): string | undefined {
  return entries.find((each) => at === undefined || (direction === 'before' ? compareInstants(each.from, at) < 0 : compareInstants(each.from, at) > 0))?.from
}

async function ofSubject(graph: string, id: string, at: string | undefined, direction: Direction): Promise<string | undefined> {
  if (at === undefined && direction === 'after') return undefined
  const query = direction === 'before' ? { order: 'desc', ...(at !== undefined && { to: at }) } : { order: 'asc', from: at }
  try {
    const { data } = await send<{ readonly value: readonly Entry[] }>(graph, { path: historyPath(parseSubject(id)), query: { ...query, as: 'patch', limit: FEW } })
    return firstBeyond(data.value, at, direction)
  } catch (error) {
    if (error instanceof ApiError && error.status === 404) return undefined
    throw error
  }
}

/** The state that an instant leads to, and when it began. */
async function stateAt(graph: string, instant: string): Promise<Activity['from']> {
  return (await send<Activity>(graph, { path: '/kastor/v1/history/activity', query: { from: instant, buckets: 1 } })).data.from
}

async function ofGraph(graph: string, at: string | undefined, direction: Direction): Promise<string | undefined> {
  if (at === undefined && direction === 'after') return undefined
  const { data } = await send<Activity>(graph, { path: '/kastor/v1/history/activity', query: { from: at ?? 'change:0', buckets: 1 } })
  let change = at === undefined ? data.to.change : direction === 'after' ? data.from.change + 1 : data.from.change
  for (let tries = 0; tries < MOST_TRIES; tries += 1) {
    if (change < 1 || change > data.to.change) return undefined
    const { time } = await stateAt(graph, `change:${change}`)
    if (firstBeyond([{ from: time }], at, direction) !== undefined) return time
    change += direction === 'after' ? 1 : -1
  }
  return undefined
}

/** When the next change was; undefined: there is none. */
export async function stepFrom(graph: string, selection: readonly string[], at: string | undefined, direction: Direction): Promise<string | undefined> {
  if (selection.length === 0) return ofGraph(graph, at, direction)
  return nearest(await Promise.all(selection.map((id) => ofSubject(graph, id, at, direction))), direction)
}
