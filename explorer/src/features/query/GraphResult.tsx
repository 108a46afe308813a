/** The twins and relationships of a result as a picture, with the relationships among them (design 5.2). */
import { useQuery } from '@tanstack/react-query'
import { type ReactNode, useEffect, useMemo, useRef, useState } from 'react'
import { Link } from 'wouter'
import { asApiError } from '@/api/errors'
import type { GraphEvents, GraphView, Looks } from '@/graph/types'
import { LayoutOutdated, LayoutWorker } from '@/layout/worker'
import type { LayoutRequest, LayoutResult } from '@/layout/types'
import { Canvas, NO_LOOKS } from '@/parts/structure/Canvas'
import { FIRST_CAP, linesOf, nodesById } from '@/parts/structure/load'
import { layoutInput, pictureOf } from '@/parts/structure/picture'
import { merged, NOTHING, type Structure } from '@/parts/structure/structure'
import { useGraph, useModelsQuery } from '@/state/graph'
import { formatSelection, selectionOf, useGoing } from '@/state/url'
import { t } from '@/text/text'
import { Button } from '@/ui/button'
import { Switch } from '@/ui/controls'
import { GraphIcon } from '@/ui/icons'
import { Empty, Failed, Waiting } from '@/ui/states'
import { namedIn, type ResultColumn, type ResultRow } from './columns'

/** Boxes are the first choice where this share of the twins lies in one. */
const LEAST_CONTAINED = 0.3
const MARGIN = 48

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

async function laidOut(worker: LayoutWorker, structure: Structure, aspect: number): Promise<LayoutResult> {
  const request: LayoutRequest = { kind: 'nested', ...layoutInput(structure), options: { aspect } }
  const first = await worker.run(request)
  return first.contained >= LEAST_CONTAINED ? first : worker.run({ ...request, kind: 'force' })
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
  const worker = useMemo(() => new LayoutWorker(), [])
  const place = useRef<HTMLDivElement>(null)
  const view = useRef<GraphView>(undefined)
  const [layout, setLayout] = useState<{ readonly of: Structure; readonly result: LayoutResult }>()
  const [error, setError] = useState<unknown>()
  const [drawn, setDrawn] = useState(false)
  useEffect(() => () => { worker.destroy() }, [worker])
  useEffect(() => {
    const { clientWidth = 1, clientHeight = 1 } = place.current ?? {}
    laidOut(worker, structure, Math.max(0.3, (clientWidth - MARGIN) / Math.max(1, clientHeight - 2 * MARGIN))).then((result) => { setError(undefined); setLayout({ of: structure, result }) }, (thrown: unknown) => { if (!(thrown instanceof LayoutOutdated)) setError(thrown) })
  }, [worker, structure])
  const picture = useMemo(() => (layout && models && layout.of === structure ? pictureOf(structure, layout.result, models) : undefined), [layout, models, structure])
  const { sel } = going.place.parameters
  const looks = useMemo((): Looks => ({ ...NO_LOOKS, selected: new Set(selectionOf(sel === undefined ? {} : { sel })), past: going.place.parameters.at !== undefined }), [sel, going.place.parameters.at])
  const events = useEvents()
  if (error !== undefined) return <Failed error={asApiError(error)} />
  return (
    <div ref={place} className="query-graph-place" data-testid="query.graph" {...(drawn && picture && { 'data-ready': true })} data-nodes={structure.nodes.size} data-edges={structure.edges.size} data-layout={picture?.layout.kind ?? ''}>
      <Canvas picture={picture} looks={looks} events={events} onView={(next) => { view.current = next }} onDrawn={() => { setDrawn(true) }} />
      <ul className="unseen">{[...structure.nodes.values()].map((node) => <li key={node.id}>{node.label}</li>)}</ul>
    </div>
  )
}

/** A click selects, a double click opens; the rest is the graph's own screen. */
function useEvents(): GraphEvents {
  const going = useGoing()
  return useMemo(() => {
    const nothing = (): void => undefined
    return {
      onClick: ({ pick }) => { going.step({ sel: pick.kind === 'node' || pick.kind === 'box' ? formatSelection([pick.id]) : pick.kind === 'edge' ? formatSelection([pick.key]) : undefined }) },
      onDoubleClick: ({ pick }) => { if (pick.kind === 'node' || pick.kind === 'box') going.go({ screen: 'twins', rest: [pick.id] }) },
      onMenu: nothing, onHover: nothing, onMove: nothing, onConnect: nothing, onLasso: (ids) => { going.step({ sel: formatSelection(ids) }) }, onCamera: nothing, onLost: nothing,
    }
  }, [going])
}
