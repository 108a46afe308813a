/** Reading twins by id: what is there already is not asked for again, many are asked for at once. */
import { useQuery, type UseQueryResult } from '@tanstack/react-query'
import { useEffect, useMemo, useState } from 'react'
import { ApiError } from '@/api/errors'
import { queryPages } from '@/api/pages'
import type { Twin } from '@/api/types'
import { heldOver } from '@/state/clock'
import { useGraph } from '@/state/graph'
import { isTwin, type TwinStore, useKnownTwin } from '@/state/twins'
import { readSubject } from './subject'
import { labelOf } from './values/show'

const IDS_AT_ONCE = 100

function quoted(text: string): string { return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'` }
export { quoted as quoteForQuery }

/** Read the twins of a list of ids that are not known yet. */
export async function readTwins(graph: string, twins: TwinStore, ids: readonly string[], options: { readonly signal?: AbortSignal; readonly at?: string | undefined } = {}): Promise<void> {
  const missing = [...new Set(ids)].filter((id) => !twins.has(id))
  for (let from = 0; from < missing.length; from += IDS_AT_ONCE) {
    const list = missing.slice(from, from + IDS_AT_ONCE).map(quoted).join(', ')
    for await (const { data } of queryPages(graph, { query: `SELECT * FROM DIGITALTWINS T WHERE T.$dtId IN [${list}]`, pageSize: IDS_AT_ONCE, ...options })) twins.put(data.value.filter(isTwin))
  }
}

/** Have the twins of a list in the store; returns a number that changes when they came. */
export function useTwins(ids: readonly string[]): number {
  const { name, twins, at, generation } = useGraph()
  const key = [...new Set(ids)].sort().join('\n')
  const { dataUpdatedAt } = useQuery({
    queryKey: [name, 'twins', key, at, generation], enabled: key !== '', staleTime: Infinity,
    // The answer is the store, which is emptied when another instant is looked at: coming back reads anew.
    gcTime: 0,
    queryFn: async ({ signal }) => { await readTwins(name, twins, key.split('\n'), { signal, at }); return true },
  })
  return dataUpdatedAt
}

/** A twin's document: asked for once, then kept in step by the feed. */
export function useTwin(id: string): { readonly twin: Twin | undefined; readonly query: UseQueryResult<Twin> } {
  const { name, twins, at, generation } = useGraph()
  const queryKey = [name, 'twin', id, at, generation]
  const query = useQuery({
    queryKey, placeholderData: heldOver(queryKey, at),
    queryFn: async ({ signal }) => {
      try {
        const twin = await readSubject(name, { kind: 'twin', id }, { signal, at })
        twins.put([twin])
        return twin
      } catch (error) {
        // What was there at another instant is not there at this one.
        if (error instanceof ApiError && error.status === 404) twins.drop(id)
        throw error
      }
    },
  })
  const known = useKnownTwin(twins, id)
  const { refetch, isSuccess } = query
  const isGone = isSuccess && !known
  // Somebody has deleted it, perhaps: the server says so better than an old copy.
  useEffect(() => { if (isGone) void refetch() }, [isGone, refetch])
  // What is of another instant stands in until it is read anew; where that fails, it is not what was asked for.
  const isStandIn = known?.outdated === true && query.isError
  return { twin: isStandIn ? undefined : known?.twin ?? (query.isError ? undefined : query.data), query }
}

/** How a twin is called, once it is known. */
export function useLabel(id: string): string {
  const { twins } = useGraph()
  const known = useKnownTwin(twins, id)
  return known ? labelOf(known.twin) : id
}

/** What was looked for while somebody writes: the text once it has stood for a moment. */
export function useSettled(text: string, wait = 120): string {
  const [settled, setSettled] = useState(text)
  useEffect(() => {
    const timer = setTimeout(() => { setSettled(text) }, wait)
    return () => { clearTimeout(timer) }
  }, [text, wait])
  return settled
}

/** Twins by a part of their id or name; of some models, if they are given. */
export function useTwinSearch(text: string, models: readonly string[] = []): { readonly data: readonly Twin[] | undefined; /** It answers what was written before. */ readonly isOld: boolean } {
  const { name, at } = useGraph()
  const wanted = useSettled(text.trim())
  const query = useMemo(() => {
    const of = models.length > 0 ? [`(${models.map((model) => `IS_OF_MODEL(T, ${quoted(model)})`).join(' OR ')})`] : []
    const like = wanted === '' ? [] : [`(CONTAINS(T.$dtId, ${quoted(wanted)}, true) OR CONTAINS(T.name, ${quoted(wanted)}, true))`]
    const where = [...of, ...like].join(' AND ')
    return `SELECT TOP(20) * FROM DIGITALTWINS T${where === '' ? '' : ` WHERE ${where}`}`
  }, [wanted, models])
  const search = useQuery<readonly Twin[]>({
    queryKey: [name, 'twin-search', query, at], placeholderData: (before) => before,
    queryFn: async ({ signal }) => {
      for await (const { data } of queryPages(name, { query, signal, at })) return data.value.filter(isTwin)
      return []
    },
  })
  return { data: search.data, isOld: wanted !== text.trim() || search.isPlaceholderData }
}
