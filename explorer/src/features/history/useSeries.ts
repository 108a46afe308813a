/** Reads series over the time that is looked at, in buckets about two pixels wide. */
import { useQueries } from '@tanstack/react-query'
import { useMemo, useRef } from 'react'
import { ApiError } from '@/api/errors'
import { path, send } from '@/api/http'
import { isObject, type Json, type JsonObject } from '@/api/json'
import { nextCall } from '@/api/pages'
import { useSpan, type Span } from '@/parts/time-bar/activity'
import { historyPath } from '@/parts/subject'
import { useTwins } from '@/parts/twins'
import { valueAt } from '@/parts/values/patch'
import { labelOf } from '@/parts/values/show'
import { useGraph, useModels } from '@/state/graph'
import { bucketOf, formatInstant, millisOf } from '@/state/instants'
import { modelOf } from '@/state/twins'
import { colourOf } from '@/ui/mark'
import { type Bucket, isNumeric, keyOf, lastOf, numberOf, pointerOf, propertyAt, type SeriesName, type SeriesProperty } from './series'

const PAGE = 5000
const MOST_PAGES = 3
const FRESH_MS = 15_000

export interface Series {
  readonly key: string
  readonly name: SeriesName
  readonly title: string
  readonly property: SeriesProperty | undefined
  readonly lane: boolean
  readonly colour: string
  readonly buckets: readonly Bucket[]
  readonly pending: boolean
  readonly error: Error | null
}

interface Page { readonly value: readonly JsonObject[]; readonly nextLink: string | null }

function bucketFrom(row: JsonObject): Bucket | undefined {
  const at = typeof row['from'] === 'string' ? millisOf(row['from']) : undefined
  return at === undefined ? undefined : { at, avg: numberOf(row['avg']), min: numberOf(row['min']), max: numberOf(row['max']), last: row['last'] ?? null }
}

/** What stood when the time that is looked at began: a series has only what was written in it. */
async function standing(graph: string, name: SeriesName, from: number, signal: AbortSignal): Promise<readonly Bucket[]> {
  try {
    // Its last version before says it, and that there is none is no error there.
    const { data } = await send<Page>(graph, { path: historyPath({ kind: 'twin', id: name.twin }), query: { to: formatInstant(from), order: 'desc', limit: 1 }, signal })
    const document = data.value[0]?.['document']
    const value: Json | undefined = isObject(document) ? valueAt(document, name.path) : undefined
    if (value === undefined || isObject(value)) return []
    const number = numberOf(value)
    return [{ at: from, avg: number, min: number, max: number, last: value }]
  } catch (error) {
    if (error instanceof ApiError && error.status === 404) return []
    throw error
  }
}

async function readSeries(graph: string, name: SeriesName, from: number, to: number | undefined, seconds: number, signal: AbortSignal): Promise<readonly Bucket[]> {
  const first = standing(graph, name, from, signal)
  first.catch(() => undefined)
  const buckets: Bucket[] = []
  let call: Parameters<typeof send>[1] | undefined = {
    path: `/kastor/v1${path('/digitaltwins/{id}', { id: name.twin })}/series`,
    query: { path: pointerOf(name), from: formatInstant(from), to: to === undefined ? undefined : formatInstant(to), bucket: `${seconds}s`, limit: PAGE },
  }
  for (let page = 0; call && page < MOST_PAGES; page += 1) {
    const { data }: { data: Page } = await send<Page>(graph, { ...call, signal })
    buckets.push(...data.value.map(bucketFrom).filter((each) => each !== undefined))
    call = data.nextLink ? nextCall(graph, data.nextLink) : undefined
  }
  return [...(await first), ...buckets.map((each) => (each.at < from ? { ...each, at: from } : each))]
}

export interface Charted { readonly span: Span; readonly from: number; readonly to: number; readonly series: readonly Series[]; readonly seconds: number }

/** The series of the address over the brushed part of the past. */
export function useSeries(names: readonly SeriesName[], width: number): Charted | undefined {
  const graph = useGraph()
  const models = useModels()
  const span = useSpan()
  const twins = useMemo(() => names.map((each) => each.twin), [names])
  const read = useTwins(twins)
  const from = span ? Math.max(span.from, span.oldest) : 0
  const to = span?.to ?? 0
  const isOpen = span !== undefined && to >= span.now
  const seconds = bucketOf(to - from, width)
  const end = isOpen ? Math.floor(to / FRESH_MS) : to
  // Each time that is looked at has queries of its own, which know nothing of those before them.
  const kept = useRef(new Map<string, readonly Bucket[]>())
  const results = useQueries({
    queries: names.map((name) => ({
      queryKey: [graph.name, 'series', keyOf(name), Math.round(from), end, seconds, graph.generation], enabled: span !== undefined && width > 0, staleTime: Infinity, retry: false,
      queryFn: ({ signal }: { signal: AbortSignal }) => readSeries(graph.name, name, from, isOpen ? undefined : to, seconds, signal),
    })),
  })
  return useMemo(() => {
    if (!span) return undefined
    const stands = lastOf(kept.current, names.map((name) => `${graph.name}\n${graph.generation}\n${keyOf(name)}`), results.map((each) => each.data))
    const series = names.map((name, index): Series => {
      const known = graph.twins.get(name.twin)
      const property = known && propertyAt(models, modelOf(known.twin), name.path)
      const result = results[index]
      const buckets = stands[index] ?? []
      const lane = property ? !isNumeric(property.schema) : buckets.every((each) => each.avg === undefined)
      return {
        key: keyOf(name), name, property, lane, colour: colourOf(index + 1), buckets, pending: stands[index] === undefined && (result?.isPending ?? true), error: result?.error ?? null,
        title: `${known ? labelOf(known.twin) : name.twin} · ${property?.title ?? name.path.join('.')}`,
      }
    })
    return { span, from, to, series, seconds }
  // The results are a new list each time: what is in them counts.
  }, [span, from, to, seconds, names, models, graph.name, graph.generation, graph.twins, read, ...results.map((each) => each.data), ...results.map((each) => each.error)])
}
