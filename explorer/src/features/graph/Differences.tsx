/** What differs from another instant, marked on the graph; what was removed since stands where it was (design 5.6). */
import { useQuery } from '@tanstack/react-query'
import { type ReactNode, useEffect, useMemo } from 'react'
import { asApiError } from '@/api/errors'
import { type Command, useCommands } from '@/commands/registry'
import { linesOf, nodesById } from '@/parts/structure/load'
import type { StructureEdge, StructureNode } from '@/parts/structure/structure'
import { useGraph } from '@/state/graph'
import { showInstant } from '@/state/instants'
import { hideDifferences, useShown } from '@/state/shown'
import { formatSelection } from '@/state/url'
import { t } from '@/text/text'
import { Button, IconButton } from '@/ui/button'
import { DownIcon, UpIcon } from '@/ui/icons'
import { Failed } from '@/ui/states'
import { haunt, layToRest, screen, useScreen } from './store'
import type { View } from './view'

/** More would hide what is there. */
const MOST_GHOSTS = 2000

interface Ghosts { readonly nodes: readonly StructureNode[]; readonly edges: readonly StructureEdge[]; readonly left: number }

/** Read what was removed as it was, and keep it in the picture while its marks are shown. */
function useGhosts(label: string | undefined): { readonly left: number; readonly error: unknown } {
  const { name } = useGraph()
  const was = useShown((shown) => shown.was)
  const { structure, loads, gone } = useScreen()
  const { data, error } = useQuery<Ghosts>({
    // When one of them is there again the others stay.
    placeholderData: (before, query) => (was && was.keys.size > 0 && query?.queryKey[2] === was.at ? before : undefined),
    queryKey: [name, 'ghosts', was?.at, [...was?.keys ?? []].join('\n'), label], enabled: was !== undefined && was.keys.size > 0, staleTime: Infinity, gcTime: 0,
    queryFn: async ({ signal }): Promise<Ghosts> => {
      const asked = { graph: name, at: was?.at, signal, label }
      const keys = was?.keys ?? new Set<string>()
      const twins = [...keys].filter((key) => !key.includes('/'))
      const sources = new Set([...keys].flatMap((key) => (key.includes('/') ? [key.slice(0, key.indexOf('/'))] : [])))
      const [nodes, lines] = await Promise.all([nodesById(asked, twins.slice(0, MOST_GHOSTS)), linesOf(asked, [...sources].slice(0, MOST_GHOSTS), 'out')])
      return { nodes, edges: lines.filter((line) => keys.has(line.key)), left: Math.max(0, twins.length - MOST_GHOSTS) }
    },
  })
  useEffect(() => {
    if (!data || loads === 0) return
    const nodes = data.nodes.filter((node) => !structure.nodes.has(node.id))
    const here = new Set([...structure.nodes.keys(), ...nodes.map((node) => node.id)])
    const edges = data.edges.filter((edge) => !structure.edges.has(edge.key) && here.has(edge.source) && here.has(edge.target))
    if (nodes.length + edges.length > 0) haunt(nodes, edges)
  }, [data, structure, loads, gone])
  useEffect(() => () => { if (data) layToRest([...data.nodes.map((node) => node.id), ...data.edges.map((edge) => edge.key)]) }, [data])
  return { left: data?.left ?? 0, error }
}

export default function Differences({ view }: { view: View }): ReactNode {
  const { differences, was } = useShown()
  const structure = useScreen((state) => state.structure)
  const { left, error } = useGhosts(view.label)
  const shown = useMemo(() => [...differences.keys()].filter((key) => structure.nodes.has(key) || structure.edges.has(key)), [differences, structure])
  const at = shown.indexOf(view.selection.at(-1) ?? '')
  const commands = useMemo((): readonly Command[] => {
    const walk = (step: 1 | -1) => (): void => {
      const next = shown[(at < 0 ? (step > 0 ? 0 : shown.length - 1) : at + step + shown.length) % shown.length]
      if (next === undefined) return
      if (screen().clicked === next) useScreen.setState({ clicked: undefined })
      view.going.step({ sel: formatSelection([next]) })
    }
    const group = t('graph.group')
    return [
      { id: 'graph.difference.next', group, text: t('graph.difference-next'), run: walk(1) },
      { id: 'graph.difference.previous', group, text: t('graph.difference-previous'), run: walk(-1) },
    ]
  }, [shown, at, view])
  useCommands(commands)
  const [next, previous] = commands
  if (!was) return null
  const off = (): void => {
    // Without its ghost it cannot be looked at.
    const left = view.selection.filter((key) => !was.keys.has(key))
    if (left.length < view.selection.length) view.going.adjust({ sel: left.length === 0 ? undefined : formatSelection(left) })
    hideDifferences()
  }
  return (
    <div className="notice quiet" role="status" data-testid="graph.differences">
      <span className="grow">{t('graph.differences', { n: differences.size, time: showInstant(was.at, Date.now(), true) })}{left > 0 && ` ${t('graph.ghosts-left', { n: left })}`}</span>
      {error != null && <Failed compact error={asApiError(error)} />}
      {shown.length > 0 && (
        <>
          <span className="hint num">{t('graph.difference-of', { n: at + 1, count: shown.length })}</span>
          <IconButton icon={UpIcon} label={t('graph.difference-previous')} onClick={() => { void previous?.run() }} data-testid="graph.differences.previous" />
          <IconButton icon={DownIcon} label={t('graph.difference-next')} onClick={() => { void next?.run() }} data-testid="graph.differences.next" />
        </>
      )}
      <Button onClick={off} data-testid="graph.differences.off">{t('graph.highlight-off')}</Button>
    </div>
  )
}
