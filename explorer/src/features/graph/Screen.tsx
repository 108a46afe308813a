import './graph.css'
import { type ReactNode, useCallback, useEffect, useMemo, useRef, useState } from 'react'
import { NO_MODELS } from '@/dtdl/models'
import type { GraphView, Picture, PointerInfo } from '@/graph/types'
import { LayoutWorker } from '@/layout/worker'
import { FIRST_CAP, LARGEST_CAP } from '@/parts/structure/load'
import { Canvas } from '@/parts/structure/Canvas'
import { useGraph, useMay, useModelsQuery } from '@/state/graph'
import { useShown } from '@/state/shown'
import { isTest } from '@/state/url'
import { t } from '@/text/text'
import { Failed, Waiting } from '@/ui/states'
import { asApiError } from '@/api/errors'
import { AccessTree } from './AccessTree'
import { ConnectMenu, useConnecting } from './connect'
import { EmptyGraph } from './EmptyGraph'
import { Find } from './Find'
import { Legend } from './Legend'
import { Notices } from './Notices'
import { HoverTip, useHover } from './Tip'
import { Toolbar } from './Toolbar'
import { TwinMenu } from './TwinMenu'
import { ExpandQuestion } from './ExpandQuestion'
import { useActions } from './useActions'
import { useData } from './useData'
import { useFragment } from './useFragment'
import { useGraphCommands } from './useGraphCommands'
import { useLayout } from './useLayout'
import { useLens, useVisibleDocuments } from './useLens'
import { useLiveStructure } from './useLiveStructure'
import { useLooks } from './useLooks'
import { useNear } from './useNear'
import { useSaved, ViewsDialog } from './saved'
import { screen, useScreen } from './store'
import { useView } from './view'

export const prepare = (): void => { LayoutWorker.prepare() }

/** The graph: boxes in boxes, alive (design 5.1). */
export default function GraphScreen(): ReactNode {
  const graph = useGraph()
  const view = useView()
  const models = useModelsQuery()
  const [cap, setCap] = useState(FIRST_CAP)
  useFragment(graph.name, window.location.pathname + window.location.search)
  useSaved(view)
  const loading = useData(view, cap)
  useLiveStructure(view.label)
  const [place, aspect] = useAspect()
  const known = models.data ?? (models.error ? NO_MODELS : undefined)
  const layout = useLayout(view.layout, known, aspect)
  const { structure, picture, version, scope, drawn, gone } = useScreen()
  const lens = useLens(known ?? NO_MODELS, structure, view.lens, useScreen((state) => (view.lens === undefined ? undefined : state.state.domains?.[view.lens])))
  const shown = useLooks(view, known ?? NO_MODELS, lens)
  const [canvas, setCanvas] = useState<GraphView>()
  const [lost, setLost] = useState<string>()
  const actions = useActions(view, canvas, known ?? NO_MODELS)
  const hover = useHover()
  const connecting = useConnecting(canvas, known ?? NO_MODELS)
  const may = useMay()
  useGraphCommands(view, canvas, actions)
  useCamera(canvas)
  useTold()
  useNear(canvas)
  usePulses(canvas)
  useVisibleDocuments(canvas, structure)
  useReveal(canvas, view.selection)
  const events = useMemo(() => ({
    ...actions.events, onHover: hover.over, onClick: (info: PointerInfo) => { hover.quiet(); actions.events.onClick(info) }, onConnect: connecting.onConnect, onLost: setLost,
  }), [actions.events, hover.over, hover.quiet, connecting.onConnect])
  const onDrawn = useCallback((_view: GraphView, first: boolean) => {
    if (first) performance.mark('ready')
    useScreen.setState({ drawn: true })
  }, [])
  const isEmpty = !loading.pending && loading.error === undefined && version > 0 && structure.nodes.size === 0
  const count = countOf(picture, gone)
  const implied = picture ? picture.layout.implied.reduce((sum, each) => sum + each, 0) : 0
  return (
    <div className="graph-screen">
      <h1 className="unseen">{t('screens.graph')}</h1>
      <Notices view={view} cap={cap} lost={lost} squeezed={picture?.layout.squeezed ?? 0} boxes={picture?.layout.boxes.length ?? 0} onMore={cap < LARGEST_CAP ? () => { setCap(LARGEST_CAP) } : undefined} onTidy={layout.tidy} />
      <div className="graph-place" ref={place} data-testid="graph.canvas" {...(drawn && picture && { 'data-ready': true })} data-nodes={count.twins} data-edges={count.lines}
        data-hidden-edges={implied} data-layout={picture?.layout.kind ?? ''} data-at={graph.at ?? ''} data-scope={scope}>
        <Canvas picture={picture} looks={shown.looks} events={events} onView={setCanvas} onDrawn={onDrawn} mayConnect={() => may('digitaltwins/relationships/write')} />
        <AccessTree view={view} models={known ?? NO_MODELS} looks={shown.looks} actions={actions} canvas={canvas} />
        {loading.pending && <div className="graph-waiting"><Waiting what={t('graph.what')} rows={8} rowHeight={48} /></div>}
        {loading.error && <div className="graph-over"><Failed error={loading.error} onRetry={loading.retry} /></div>}
        {layout.error && <div className="graph-over"><Failed error={asApiError(layout.error)} /></div>}
        {isEmpty && <EmptyGraph view={view} models={known ?? NO_MODELS} />}
        {!isEmpty && version > 0 && (
          <>
            <Toolbar view={view} models={known ?? NO_MODELS} lens={lens} canvas={canvas} kind={picture?.layout.kind} />
            <Legend view={view} models={known ?? NO_MODELS} lens={lens} looks={shown.looks} many={shown.many} off={shown.off} />
            <Find view={view} models={known ?? NO_MODELS} canvas={canvas} hidden={shown.looks.hidden} />
          </>
        )}
        <HoverTip hover={hover} models={known ?? NO_MODELS} />
      </div>
      <TwinMenu actions={actions} view={view} />
      <ConnectMenu connecting={connecting} models={known ?? NO_MODELS} />
      <ExpandQuestion actions={actions} />
      <ViewsDialog view={view} />
    </div>
  )
}

/** What is in the picture of what is there at the instant that is looked at. */
function countOf(picture: Picture | undefined, gone: ReadonlySet<string>): { readonly twins: number; readonly lines: number } {
  if (!picture) return { twins: 0, lines: 0 }
  if (gone.size === 0) return { twins: picture.nodes.length, lines: picture.edges.length }
  return { twins: picture.nodes.filter((node) => !gone.has(node.id)).length, lines: picture.edges.filter((edge) => !gone.has(edge.key)).length }
}

/** The shape of the place for the picture, once it is known. */
function useAspect(): readonly [(element: HTMLDivElement | null) => void, number | undefined] {
  const [aspect, setAspect] = useState<number>()
  const watched = useRef<ResizeObserver>(undefined)
  const ref = useCallback((element: HTMLDivElement | null) => {
    watched.current?.disconnect()
    if (!element) return
    const measure = (): void => {
      const { width, height } = element.getBoundingClientRect()
      if (width > 0 && height > 0) setAspect(Math.max(1, width - 2 * SIDE) / Math.max(1, height - 2 * TOP))
    }
    measure()
    watched.current = new ResizeObserver(measure)
    watched.current.observe(element)
  }, [])
  return [ref, aspect]
}

/** Room that floating controls take; the same as the drawing leaves free. */
const SIDE = 24
const TOP = 64

/** A camera that was kept is taken up as soon as there is something to look at. */
function useCamera(canvas: GraphView | undefined): void {
  const { goal, drawn } = useScreen()
  useEffect(() => {
    if (!canvas || !goal || !drawn) return
    canvas.setCamera(goal)
    useScreen.setState({ goal: undefined })
  }, [canvas, goal, drawn])
}

/** Tell other parts of the page what is shown, and tests where it is. */
function useTold(): void {
  const { picture, gone } = useScreen()
  useEffect(() => {
    const count = countOf(picture, gone)
    const structure = screen().structure
    useShown.setState({
      graph: picture && {
        twins: count.twins, relationships: count.lines, byNesting: picture.layout.boxes.length > 0 ? picture.layout.implied.reduce((sum, each) => sum + each, 0) : 0,
        has: (id) => structure.nodes.has(id) && !gone.has(id),
      },
    })
    return () => { useShown.setState({ graph: undefined }) }
  }, [picture, gone])
}

function usePulses(canvas: GraphView | undefined): void {
  const { feed, at } = useGraph()
  const seen = useRef(0)
  useEffect(() => {
    if (!canvas) return undefined
    if (isTest) window.__kastor = { positionOf: (id) => canvas.positionOf(id), camera: () => canvas.camera(), setCamera: (camera) => { canvas.setCamera(camera) }, pulses: () => seen.current }
    if (at !== undefined) return undefined
    return feed.listen((batch) => {
      const { structure } = screen()
      const ids = new Set(batch.flatMap(({ event }) => (event.subject !== undefined && event.type.endsWith('.Twin.Update') && structure.nodes.has(event.subject) ? [event.subject] : [])))
      if (ids.size === 0) return
      canvas.pulse([...ids])
      seen.current += ids.size
    })
  }, [canvas, feed, at])
}

/** What is selected elsewhere, by a table, the palette or a link, is brought into view. */
function useReveal(canvas: GraphView | undefined, selection: readonly string[]): void {
  const { drawn, structure } = useScreen()
  const [last] = selection.slice(-1)
  const seen = useRef<string>(undefined)
  useEffect(() => {
    if (!canvas || !drawn || last === undefined || seen.current === last || !structure.nodes.has(last)) return
    const isFirst = seen.current === undefined
    seen.current = last
    // A link that says where the camera is has the last word.
    if (screen().clicked !== last && !(isFirst && screen().state.camera)) canvas.reveal(last)
  }, [canvas, drawn, last, structure])
}

declare global {
  interface Window { __kastor?: { readonly positionOf: GraphView['positionOf']; readonly camera: GraphView['camera']; readonly setCamera: GraphView['setCamera']; readonly pulses: () => number } }
}
