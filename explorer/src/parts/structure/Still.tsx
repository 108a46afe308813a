/** A picture of a structure that is only looked at: laid out for its place, zoomed and panned, never changed. */
import { type ReactNode, useEffect, useMemo, useRef, useState } from 'react'
import { asApiError } from '@/api/errors'
import type { Models } from '@/dtdl/models'
import type { GraphEvents, GraphView, Looks } from '@/graph/types'
import type { LayoutRequest, LayoutResult } from '@/layout/types'
import { LayoutOutdated, LayoutWorker } from '@/layout/worker'
import { Failed } from '@/ui/states'
import { Canvas } from './Canvas'
import { layoutInput, pictureOf } from './picture'
import type { Structure } from './structure'

/** Boxes are the first choice where this share of the twins lies in one. */
const LEAST_CONTAINED = 0.3
const MARGIN = 48

async function laidOut(worker: LayoutWorker, structure: Structure, aspect: number): Promise<LayoutResult> {
  const request: LayoutRequest = { kind: 'nested', ...layoutInput(structure), options: { aspect } }
  const first = await worker.run(request)
  // Twins without any line stand in a grid: there is nothing that forces could say.
  return first.contained >= LEAST_CONTAINED || request.edges.length === 0 ? first : worker.run({ ...request, kind: 'force' })
}

interface StillProps {
  readonly structure: Structure
  /** Whose colours the twins have; undefined while they are not known. */
  readonly models: Models | undefined
  readonly looks: Looks
  readonly events: GraphEvents
  readonly className: string
  readonly testId: string
  readonly onView?: (view: GraphView | undefined) => void
  /** What is said of a twin to whoever does not see the picture. */
  readonly say?: (id: string, label: string) => string
}

export function Still({ structure, models, looks, events, className, testId, onView, say }: StillProps): ReactNode {
  const worker = useMemo(() => new LayoutWorker(), [])
  const place = useRef<HTMLDivElement>(null)
  const [layout, setLayout] = useState<{ readonly of: Structure; readonly result: LayoutResult }>()
  const [error, setError] = useState<unknown>()
  const [drawn, setDrawn] = useState(false)
  useEffect(() => () => { worker.destroy() }, [worker])
  useEffect(() => {
    const { clientWidth = 1, clientHeight = 1 } = place.current ?? {}
    laidOut(worker, structure, Math.max(0.3, (clientWidth - MARGIN) / Math.max(1, clientHeight - 2 * MARGIN))).then((result) => { setError(undefined); setLayout({ of: structure, result }) }, (thrown: unknown) => { if (!(thrown instanceof LayoutOutdated)) setError(thrown) })
  }, [worker, structure])
  const picture = useMemo(() => (layout && models && layout.of === structure ? pictureOf(structure, layout.result, models) : undefined), [layout, models, structure])
  if (error !== undefined) return <Failed error={asApiError(error)} />
  return (
    <div ref={place} className={className} data-testid={testId} {...(drawn && picture && { 'data-ready': true })} data-nodes={structure.nodes.size} data-edges={structure.edges.size} data-layout={picture?.layout.kind ?? ''}>
      <Canvas picture={picture} looks={looks} events={events} onView={(next) => { onView?.(next) }} onDrawn={() => { setDrawn(true) }} />
      <ul className="unseen">{[...structure.nodes.values()].map((node) => <li key={node.id}>{say ? say(node.id, node.label) : node.label}</li>)}</ul>
    </div>
  )
}

const nothing = (): void => undefined

/** Whoever only looks hears nothing of the pointer. */
export const QUIET: GraphEvents = { onClick: nothing, onDoubleClick: nothing, onMenu: nothing, onHover: nothing, onMove: nothing, onConnect: nothing, onLasso: nothing, onCamera: nothing, onLost: nothing }
