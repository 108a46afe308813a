/** The twins and relationships of a result as a picture, with the relationships among them (design 5.2). */
import { useQuery } from '@tanstack/react-query'
import { type ReactNode, useMemo, useState } from 'react'
import { Link } from 'wouter'
import { asApiError } from '@/api/errors'
import type { GraphEvents, Looks } from '@/graph/types'
import { NO_LOOKS } from '@/parts/structure/Canvas'
import { FIRST_CAP, linesOf, nodesById } from '@/parts/structure/load'
import { QUIET, Still } from '@/parts/structure/Still'
import { merged, NOTHING, type Structure } from '@/parts/structure/structure'
import { useGraph, useModelsQuery } from '@/state/graph'
import { formatSelection, selectionOf, useGoing } from '@/state/url'
import { t } from '@/text/text'
import { Button } from '@/ui/button'
import { Switch } from '@/ui/controls'
import { GraphIcon } from '@/ui/icons'
import { Empty, Failed, Waiting } from '@/ui/states'
import { namedIn, type ResultColumn, type ResultRow } from './columns'

interface GraphResultProps {
  readonly rows: readonly ResultRow[]
  readonly columns: readonly ResultColumn[]
  /** Rows are left that were not fetched. */
  readonly more: boolean
  readonly onAll: () => void
  /** The query on the graph's own screen. */
  readonly href: string
}

/** Read what the rows name; of relationships those that they name, or all among the twins. */
function useStructure(named: ReturnType<typeof namedIn>, among: boolean): ReturnType<typeof useQuery<Structure>> {
  const { name: graph, at } = useGraph()
  const ids = useMemo(() => [...named.twins].slice(0, FIRST_CAP), [named])
  return useQuery({
    queryKey: [graph, 'query graph', at, ids, among ? 'all' : [...named.relationships]], staleTime: 60_000, enabled: ids.length > 0, gcTime: 60_000,
    queryFn: async ({ signal }) => {
      const asked = { graph, at, signal, label: undefined }
      const [nodes, lines] = await Promise.all([nodesById(asked, ids), among || named.relationships.size > 0 ? linesOf(asked, ids, 'out') : []])
      return merged(NOTHING, nodes, lines.filter((line) => among || named.relationships.has(line.key)))
    },
  })
}

export function GraphResult({ rows, columns, more, onAll, href }: GraphResultProps): ReactNode {
  const [among, setAmong] = useState(true)
  const named = useMemo(() => namedIn(rows, columns), [rows, columns])
  const structure = useStructure(named, among)
  if (named.twins.size === 0) return <Empty text={t('query.graph-none')} testId="query.graph" />
  const cut = named.twins.size > FIRST_CAP
  return (
    <div className="query-graph column grow">
      {(more || cut) && <p className="notice">{cut ? t('query.graph-cut', { n: FIRST_CAP, all: named.twins.size }) : t('query.graph-part', { n: rows.length })}{!cut && <Button look="quiet" onClick={onAll}>{t('query.load-all')}</Button>}</p>}
      <div className="query-graph-bar row">
        <span className="secondary num grow">{structure.data ? t('query.graph-both', { twins: t('frame.twins', { n: structure.data.nodes.size }), relationships: t('frame.relationships', { n: structure.data.edges.size }) }) : ''}</span>
        <label className="row secondary"><Switch label={t('query.among')} on={among} onChange={setAmong} testId="query.graph.among" />{t('query.among')}</label>
        <Link href={href} className="button" data-testid="query.graph.open"><GraphIcon size={14} aria-hidden />{t('query.graph-open')}</Link>
      </div>
      {structure.error ? <Failed error={asApiError(structure.error)} onRetry={() => { void structure.refetch() }} /> : structure.data ? <Drawn structure={structure.data} /> : <Waiting what={t('query.what-graph')} />}
    </div>
  )
}

function Drawn({ structure }: { structure: Structure }): ReactNode {
  const going = useGoing()
  const models = useModelsQuery().data
  const { sel } = going.place.parameters
  const looks = useMemo((): Looks => ({ ...NO_LOOKS, selected: new Set(selectionOf(sel === undefined ? {} : { sel })), past: going.place.parameters.at !== undefined }), [sel, going.place.parameters.at])
  return <Still structure={structure} models={models} looks={looks} events={useEvents()} className="query-graph-place" testId="query.graph" />
}

/** A click selects, a double click opens; the rest is the graph's own screen. */
function useEvents(): GraphEvents {
  const going = useGoing()
  return useMemo(() => ({
    ...QUIET,
    onClick: ({ pick }) => { going.step({ sel: pick.kind === 'node' || pick.kind === 'box' ? formatSelection([pick.id]) : pick.kind === 'edge' ? formatSelection([pick.key]) : undefined }) },
    onDoubleClick: ({ pick }) => { if (pick.kind === 'node' || pick.kind === 'box') going.go({ screen: 'twins', rest: [pick.id] }) },
    onLasso: (ids) => { going.step({ sel: formatSelection(ids) }) },
  }), [going])
}
