/** Lays out what is shown, beside the page, whenever it or the way of showing it changes. */
import { useEffect, useMemo, useRef, useState } from 'react'
import type { Models } from '@/dtdl/models'
import { arrive } from '@/layout/arrive'
import type { LayoutKind, LayoutRequest, LayoutResult } from '@/layout/types'
import { LayoutOutdated, LayoutWorker } from '@/layout/worker'
import { layoutInput, pictureOf } from '@/parts/structure/picture'
import type { Structure } from '@/parts/structure/structure'
import { screen, useScreen } from './store'

/** Boxes are the first choice where this share of the twins lies in one. */
const LEAST_CONTAINED = 0.3
const MOST_FORCED = 2000
/** A view whose shape differs more than this from that of the picture gets a new one. */
const SHAPE_CHANGE = 1.3

interface Last { readonly request: LayoutRequest; readonly result: LayoutResult; readonly structure: Structure; readonly loads: number; readonly wanted: LayoutKind | undefined }

/** The kind that is laid out: what the address says, else what suits. */
async function laidOut(worker: LayoutWorker, request: LayoutRequest, wanted: LayoutKind | undefined): Promise<LayoutResult> {
  const first = await worker.run({ ...request, kind: wanted ?? 'nested' })
  // Twins without any line stand in a grid: there is nothing that forces could say.
  if (wanted !== undefined || first.contained >= LEAST_CONTAINED || request.edges.length === 0) return first
  return worker.run({ ...request, kind: request.nodes.length <= MOST_FORCED ? 'force' : 'layers' })
}

export interface LayoutState { readonly error: Error | undefined; readonly tidy: () => void }

export function useLayout(wanted: LayoutKind | undefined, models: Models | undefined, aspect: number | undefined): LayoutState {
  const worker = useMemo(() => new LayoutWorker(), [])
  useEffect(() => {
    worker.warm()
    return () => { worker.destroy() }
  }, [worker])
  const { structure, version, loads } = useScreen()
  const { boxesBy, collapsed, opened, along, slots, moved } = useScreen((state) => state.state)
  const [error, setError] = useState<Error>()
  const [tidied, setTidied] = useState(0)
  const [result, setResult] = useState<{ readonly layout: LayoutResult; readonly structure: Structure }>()
  const last = useRef<Last>(undefined)
  const shape = useShape(aspect)

  useEffect(() => {
    if (shape === undefined || version === 0 || structure.nodes.size === 0) return
    const options = { aspect: shape, ...(boxesBy && { boxesBy }), ...(collapsed && { collapsed }), ...(opened && { opened }), ...(along !== undefined && { along }) }
    const request: LayoutRequest = { kind: wanted ?? 'nested', ...layoutInput(structure), options }
    const done = (layout: LayoutResult): void => {
      last.current = { request, result: layout, structure, loads, wanted }
      setError(undefined)
      setResult({ layout, structure })
    }
    const before = last.current
    const grown = before && before.structure !== structure && before.loads === loads && before.wanted === wanted && before.result.kind === 'nested' && sameOptions(before.request, request) ? arrive(before.request, before.result, request) : undefined
    if (grown) { done(grown); return }
    laidOut(worker, request, wanted).then(done, (thrown: unknown) => { if (!(thrown instanceof LayoutOutdated)) setError(thrown instanceof Error ? thrown : new Error(String(thrown))) })
  }, [worker, structure, version, loads, wanted, boxesBy, collapsed, opened, along, shape, tidied])

  useEffect(() => {
    if (!result || !models || result.structure !== screen().structure) return
    useScreen.setState({ picture: pictureOf(result.structure, result.layout, models, slots, moved?.[result.layout.kind]) })
  }, [result, models, slots, moved])

  return { error, tidy: () => { last.current = undefined; setTidied((before) => before + 1) } }
}

function sameOptions(one: LayoutRequest, other: LayoutRequest): boolean { return JSON.stringify(one.options) === JSON.stringify(other.options) }

/** The shape of the view that pictures are made for; small changes of the window keep it. */
function useShape(aspect: number | undefined): number | undefined {
  const kept = useRef<number>(undefined)
  if (aspect !== undefined) {
    const before = kept.current
    if (before === undefined || aspect / before > SHAPE_CHANGE || before / aspect > SHAPE_CHANGE) kept.current = aspect
  }
  return kept.current
}
