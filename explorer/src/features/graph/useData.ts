/** Loads what the address asks for, and keeps it in step with the feed. */
import { useQuery } from '@tanstack/react-query'
import { useEffect } from 'react'
import type { ApiError } from '@/api/errors'
import { asApiError } from '@/api/errors'
import { byQuery, type Asked, linesOf, nodesById, wholeGraph } from '@/parts/structure/load'
import { heldOver } from '@/state/clock'
import { useGraph } from '@/state/graph'
import { add, put, screen, take, type GraphScreen } from './store'
import { visitNow } from '@/state/leaving'
import { useShown } from '@/state/shown'
import { schemaOf, schemaStructure, topStructure } from './top'
import { follow } from './useLiveStructure'
import type { View } from './view'

type Loaded = Pick<GraphScreen, 'structure' | 'scope' | 'schema' | 'cut'>

export interface Loading { readonly pending: boolean; readonly error: ApiError | undefined; readonly retry: () => void }

async function load(asked: Asked, query: string | undefined, cap: number, keep: (twins: Awaited<ReturnType<typeof byQuery>>['twins']) => void): Promise<Loaded> {
  if (query !== undefined) {
    const found = await byQuery(asked, query, cap)
    keep(found.twins)
    return { structure: found.structure, scope: 'query', schema: undefined, cut: found.cut }
  }
  const whole = await wholeGraph(asked, cap)
  if (whole) return { structure: whole, scope: 'whole', schema: undefined, cut: undefined }
  const schema = await schemaOf(asked)
  const total = [...schema.models.values()].reduce((sum, each) => sum + each, 0)
  const top = await topStructure(asked, schema, cap)
  return { structure: top ?? schemaStructure(schema), scope: top ? 'top' : 'schema', schema, cut: { total } }
}

/** The twins and lines of the address are in the store as soon as they are here. */
export function useData(view: View, cap: number): Loading {
  const { name, at, twins, generation } = useGraph()
  const { query, label } = view
  const asked = JSON.stringify([name, query, label, cap])
  const queryKey = [name, 'structure', at, query, label, cap, generation]
  const data = useQuery({
    queryKey, staleTime: Infinity, gcTime: 0, placeholderData: heldOver(queryKey, at),
    queryFn: async ({ signal }) => {
      const mark = twins.heard.mark()
      return { ...await load({ graph: name, at, signal, label }, query, cap, (found) => { twins.put(found) }), mark }
    },
  })
  useEffect(() => {
    if (!data.data || data.isPlaceholderData) return
    const { mark, ...loaded } = data.data
    take(loaded, at, asked)
    // What came and went while it was read.
    if (at === undefined) follow(twins.heard.since(mark).map((event) => ({ event })), label)
    const { added } = screen().state
    if (added && added.length > 0) void bring({ graph: name, at, label }, added, 'silently')
  }, [data.data, data.isPlaceholderData, name, at, label, asked, twins])
  useWanted(name, at, label, data.data !== undefined)
  return { pending: data.isPending, error: data.error ? asApiError(data.error) : undefined, retry: () => { void data.refetch() } }
}

/** Twins that other screens want to see here are added. */
function useWanted(graph: string, at: string | undefined, label: string | undefined, ready: boolean): void {
  const wanted = useShown((state) => state.wanted)
  useEffect(() => {
    if (!ready || wanted.length === 0) return
    useShown.setState({ wanted: [] })
    void bring({ graph, at, label }, wanted, 'undoable')
  }, [wanted, ready, graph, at, label])
}

async function bring(asked: Asked, ids: readonly string[], how: 'silently' | 'undoable'): Promise<void> {
  const { structure, gone } = screen()
  const visit = visitNow()
  const fresh = ids.filter((id) => !structure.nodes.has(id) || gone.has(id))
  if (fresh.length === 0) return
  const [nodes, lines] = await Promise.all([nodesById(asked, fresh), linesOf(asked, fresh, 'both')])
  if (visit !== visitNow()) return
  if (how === 'silently') put(nodes, lines)
  else add(nodes, lines)
}
