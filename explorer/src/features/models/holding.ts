/** How many twins of a model a difference to another one concerns: asked, not guessed. */
import { useQuery, type UseQueryResult } from '@tanstack/react-query'
import { isObject } from '@/api/json'
import { queryPages } from '@/api/pages'
import { quoted } from '@/parts/structure/structure'
import { useGraph, useMay } from '@/state/graph'
import type { Difference } from './schema'

const MOST_ASKED = 60
const AT_ONCE = 4

/** The query that counts what a difference concerns; undefined where it concerns none, or all. */
export function queryOf(model: string, { name, what, before }: Difference): string | undefined {
  if (what === 'added' || !before) return undefined
  const of = `T.$metadata.$model = ${quoted(model)}`
  const value = `T.[[${name}]]`
  if (before.kind === 'property' || before.kind === 'component') return `SELECT COUNT() AS n FROM DIGITALTWINS T WHERE ${of} AND IS_DEFINED(${value})`
  return before.kind === 'relationship' ? `SELECT COUNT() AS n FROM DIGITALTWINS T JOIN X RELATED T.${name} WHERE ${of}` : undefined
}

/** By name of what differs: twins that have a value of it, or relationships of that name. */
export function useHolding(model: string, differences: readonly Difference[]): UseQueryResult<ReadonlyMap<string, number>> {
  const { name: graph, at } = useGraph()
  const may = useMay()
  const asked = differences.flatMap((each) => { const query = queryOf(model, each); return query === undefined ? [] : [{ name: each.name, query }] }).slice(0, MOST_ASKED)
  return useQuery({
    queryKey: [graph, 'holding', at, asked.map((each) => each.query)], enabled: asked.length > 0 && may('query/action'), staleTime: 30_000,
    queryFn: async ({ signal }) => {
      const found = new Map<string, number>()
      for (let from = 0; from < asked.length; from += AT_ONCE) {
        await Promise.all(asked.slice(from, from + AT_ONCE).map(async ({ name, query }) => {
          for await (const { data } of queryPages(graph, { query, at, signal })) {
            const [row] = data.value
            if (isObject(row) && typeof row['n'] === 'number') found.set(name, row['n'])
          }
        }))
      }
      return found
    },
  })
}
