/** Dead letters in pages, and those that were chosen in portions. */
import { useQuery, type UseQueryResult } from '@tanstack/react-query'
import { send } from '@/api/http'
import type { JsonObject } from '@/api/json'
import { useGraph } from '@/state/graph'

export interface DeadLetter { readonly key: number; readonly died: string; readonly attempts: number; readonly error: string; readonly requeued: boolean; readonly event: JsonObject }

const EVERY_MS = 5000
const MOST = 1000
/** A request's address has room for so many keys. */
const AT_ONCE = 200

/** Read a route's dead letters, the first thousand. */
export function useLetters(path: string, enabled: boolean): UseQueryResult<readonly DeadLetter[]> {
  const { name } = useGraph()
  return useQuery({
    queryKey: [name, 'operate', path], enabled, refetchInterval: EVERY_MS,
    queryFn: async ({ signal }) => {
      const all: DeadLetter[] = []
      let after: number | null = 0
      while (after !== null && all.length < MOST) {
        const page: { readonly value: readonly DeadLetter[]; readonly after: number | null } = (await send<{ readonly value: readonly DeadLetter[]; readonly after: number | null }>(name, { path, query: { after }, signal })).data
        all.push(...page.value)
        after = page.after
      }
      return all
    },
  })
}

/** A query that names letters, or none for all of them. */
export type KeyQuery = Readonly<Record<string, readonly string[]>>

/** Which of what is there are marked, in its order. */
export function chosenOf(keys: readonly number[], marked: ReadonlySet<number>): readonly number[] { return keys.filter((each) => marked.has(each)) }

/** The queries that name letters: none of them names all, which no key at all would. Undefined is all. */
export function queriesOf(keys: readonly number[] | undefined): readonly KeyQuery[] {
  if (keys === undefined) return [{}]
  return Array.from({ length: Math.ceil(keys.length / AT_ONCE) }, (_, at) => ({ key: keys.slice(at * AT_ONCE, (at + 1) * AT_ONCE).map(String) }))
}
