/** Queries that were saved with the graph and name a model. */
import { useQuery, type UseQueryResult } from '@tanstack/react-query'
import { path, send } from '@/api/http'
import { isObject } from '@/api/json'
import { pages } from '@/api/pages'
import { useGraph, useMay } from '@/state/graph'

export interface Naming { readonly name: string; readonly text: string }

const MOST_READ = 500
const AT_ONCE = 8

/** Whether a text names a model: as a whole, not as the beginning of another version's id. */
export function names(text: string, id: string): boolean {
  for (let at = text.indexOf(id); at >= 0; at = text.indexOf(id, at + 1)) {
    if (!/[\w.]/.test(text.charAt(at + id.length)) && !/\w/.test(text.charAt(at - 1))) return true
  }
  return false
}

export function useQueriesNaming(id: string): UseQueryResult<readonly Naming[]> {
  const { name: graph } = useGraph()
  const may = useMay()
  return useQuery({
    queryKey: [graph, 'saved queries', 'naming', id], enabled: may('kastor/explorer/read'), staleTime: 10_000,
    queryFn: async ({ signal }) => {
      const listed: string[] = []
      for await (const { data } of pages<{ readonly name: string }>(graph, { path: '/kastor/v1/explorer/queries', signal }, MOST_READ)) listed.push(...data.value.map((each) => each.name))
      const found: Naming[] = []
      for (let at = 0; at < listed.length && at < MOST_READ; at += AT_ONCE) {
        const read = await Promise.all(listed.slice(at, at + AT_ONCE).map(async (name): Promise<Naming> => {
          const { data } = await send(graph, { path: path('/kastor/v1/explorer/queries/{name}', { name }), signal })
          return { name, text: isObject(data) && typeof data['text'] === 'string' ? data['text'] : '' }
        }))
        found.push(...read.filter((each) => names(each.text, id)))
      }
      return found
    },
  })
}
