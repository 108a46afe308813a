import { useQuery } from '@tanstack/react-query'
import { useEffect, useMemo, useRef } from 'react'
import { send } from '@/api/http'
import { isObject, joinPointer, type Json, type JsonObject } from '@/api/json'
import { useGraph, useMay } from '@/state/graph'
import { operationsOf } from '@/state/twins'
import type { SparkPoint } from '@/ui/sparkline'
import { historyPath, type Subject } from '@/parts/subject'
import { differences, type Path } from '@/parts/values/patch'
import { writtenAt } from '@/parts/values/rows'

const RECENT_MS = 10 * 60_000
const VERSIONS = 60
const POINTS = 120
const SOONEST_MS = 5000

/** By which way a change came that was no call of its author's own. */
export interface Via { readonly way: string; readonly proposal: string; readonly reason: string; readonly approver?: string; readonly tool?: string; readonly clientClaims?: string }
export interface Version { readonly version: number; readonly change: number; readonly from: string; readonly to?: string; readonly actor: string; readonly via?: Via; readonly document?: JsonObject; readonly patch?: readonly Json[]; readonly deleted?: boolean }
interface Versions { readonly value: readonly Version[]; readonly nextLink: string | null }

/** The newest versions, as what each changed. */
export function useNewest(subject: Subject, lastUpdate: string | undefined): readonly Version[] {
  const { name, at } = useGraph()
  const may = useMay()
  const id = subject.kind === 'twin' ? subject.id : `${subject.source}/${subject.id}`
  const { data, dataUpdatedAt, refetch } = useQuery({
    queryKey: [name, 'history', id, 'newest', at], enabled: may('kastor/history/read'), retry: false,
    queryFn: async ({ signal }) => (await send<Versions>(name, { path: historyPath(subject), query: { as: 'patch', order: 'desc', limit: VERSIONS, ...(at !== undefined && { to: at }) }, signal })).data.value,
  })
  useEffect(() => {
    if (data && lastUpdate !== undefined && data[0]?.from !== lastUpdate && at === undefined && Date.now() - dataUpdatedAt > SOONEST_MS) void refetch()
  }, [data, lastUpdate, at, dataUpdatedAt, refetch])
  return data ?? []
}

function pointsOf(versions: readonly Version[]): ReadonlyMap<string, readonly SparkPoint[]> {
  const points = new Map<string, SparkPoint[]>()
  for (const version of [...versions].reverse()) {
    for (const each of operationsOf({ patch: version.patch ?? [] })) {
      if (typeof each.value !== 'number') continue
      const list = points.get(each.path) ?? []
      list.push({ at: Date.parse(version.from), value: each.value })
      points.set(each.path, list)
    }
  }
  return points
}

/** Which values of a twin live: those that changed of late, and what they were. */
export function useLively(subject: Subject, document: JsonObject, versions: readonly Version[]): { isLively: (path: Path) => boolean; pointsAt: (path: Path) => readonly SparkPoint[] } {
  const { twins } = useGraph()
  const before = useRef(document)
  const seen = useRef(new Map<string, number>())
  const id = subject.kind === 'twin' ? subject.id : ''
  const earlier = useMemo(() => pointsOf(versions), [versions])
  if (before.current !== document) {
    if (before.current['$dtId'] === document['$dtId']) for (const path of differences(before.current, document, (each) => each.some((part) => part.startsWith('$')))) seen.current.set(joinPointer(path), Date.now())
    else seen.current.clear()
    before.current = document
  }
  return useMemo(() => ({
    isLively: (path) => {
      const written = writtenAt(document, path)
      const at = seen.current.get(joinPointer(path)) ?? (written !== undefined && !isObject(document[path[0] ?? '']) ? Date.parse(written) : undefined)
      const inComponent = path.length > 1 && written !== undefined ? Date.parse(written) : undefined
      return Date.now() - (at ?? inComponent ?? 0) < RECENT_MS
    },
    pointsAt: (path) => {
      const pointer = joinPointer(path)
      const live = twins.points(id, pointer)
      const old = earlier.get(pointer) ?? []
      const first = live[0]?.at ?? Infinity
      return [...old.filter((each) => each.at < first), ...live].slice(-POINTS)
    },
  }), [document, earlier, twins, id])
}
