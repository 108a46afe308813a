/** What the past holds: how far back it goes, and how much changed when. */
import { keepPreviousData, useQuery, type UseQueryResult } from '@tanstack/react-query'
import { useEffect, useState } from 'react'
import { send } from '@/api/http'
import { useClock } from '@/state/clock'
import { useFeatures, useGraph, useMe } from '@/state/graph'
import { formatInstant, millisOf } from '@/state/instants'
import { isTest } from '@/state/url'

interface State { readonly time: string; readonly change: number }
interface Kept { readonly oldest: State; readonly newest: State; readonly keeps: { readonly graph: { readonly seconds?: number; readonly bytes?: number } } }
export interface Activity { readonly from: State; readonly to: State; readonly changes: readonly number[] }

const KEPT_EVERY_MS = 60_000
const BARS_EVERY_MS = 20_000
/** Room before the oldest state, where nothing is kept. */
const EDGE = 0.03

/** Whether who asks may look at the past, whatever instant is looked at. */
export function useMayLookBack(): boolean {
  const features = useFeatures()
  const me = useMe()
  return features.has('activity') && me.data?.permissions.includes('kastor/history/read') === true
}

/** Where one looks, permissions of the present: the past is only read, but one may be brought back to it. */
export function useMayNow(permission: string): boolean {
  return useMe().data?.permissions.includes(permission) === true
}

export function useKept(): UseQueryResult<Kept> {
  const { name } = useGraph()
  const may = useMayLookBack()
  return useQuery({
    queryKey: [name, 'history-kept'], enabled: may, staleTime: KEPT_EVERY_MS, refetchInterval: KEPT_EVERY_MS,
    queryFn: async ({ signal }) => (await send<Kept>(name, { path: '/kastor/v1/history', signal })).data,
  })
}

/** The time now, a few times a minute. */
export function useNow(every = 1000): number {
  const [now, setNow] = useState(() => Date.now())
  useEffect(() => {
    const timer = setInterval(() => { setNow(Date.now()) }, every)
    return () => { clearInterval(timer) }
  }, [every])
  return now
}

export interface Span {
  /** What is shown: a brushed part, or all that is kept with a bit before it. */
  readonly from: number
  readonly to: number
  /** The first instant that can be looked at. */
  readonly oldest: number
  readonly now: number
  /** Whether something was there before that is not kept any more. */
  readonly isCut: boolean
}

/** What the bar shows; undefined until it is known. */
export function useSpan(whole = false): Span | undefined {
  const kept = useKept().data
  const now = useNow(isTest ? 3_600_000 : 5000)
  const range = useClock((state) => state.range)
  const oldest = millisOf(kept?.oldest.time)
  if (kept === undefined || oldest === undefined) return undefined
  const latest = Math.max(now, millisOf(kept.newest.time) ?? now, oldest + 1000)
  const isCut = kept.oldest.change > 0
  const [from, to] = (whole ? undefined : range) ?? [isCut ? oldest - (latest - oldest) * EDGE : oldest, latest]
  return { from, to: Math.max(to, from + 1000), oldest, now: latest, isCut }
}

/** Changes in each of equal parts of a span. */
export function useActivity(span: Span | undefined, buckets: number): UseQueryResult<Activity> {
  const { name } = useGraph()
  const may = useMayLookBack()
  const from = span && Math.max(span.from, span.oldest)
  const isOpen = span !== undefined && span.to >= span.now
  // Bars that end now are asked for anew after a while, not whenever the clock ticks.
  const step = span === undefined ? 0 : isOpen ? Math.floor(span.now / BARS_EVERY_MS) : span.to
  return useQuery({
    queryKey: [name, 'activity', from === undefined ? 0 : Math.floor(from / 1000), step, buckets], enabled: may && span !== undefined, staleTime: BARS_EVERY_MS,
    placeholderData: keepPreviousData,
    queryFn: async ({ signal }) => (await send<Activity>(name, {
      path: '/kastor/v1/history/activity', signal,
      query: { from: formatInstant(from ?? 0), to: isOpen ? undefined : formatInstant(span?.to ?? 0), buckets },
    })).data,
  })
}
