import { type ReactNode, useCallback, useEffect, useMemo, useRef, useState } from 'react'
import type { Models } from '@/dtdl/models'
import type { PointerInfo } from '@/graph/types'
import { useGraph } from '@/state/graph'
import { lookOf } from '@/state/looks'
import { t } from '@/text/text'
import { MarkIcon } from '@/ui/mark'
import { screen, useScreen } from './store'
import { byChange, leavesOf, showShort, valueAt, writtenAt } from './values'

const AFTER_MS = 300
const VALUES = 3
const WIDTH = 280
const HEIGHT = 150

export interface Hover {
  readonly info: PointerInfo | undefined
  readonly over: (info: PointerInfo | undefined) => void
  /** Something was done there: nothing more is told until the pointer goes elsewhere. */
  readonly quiet: () => void
}

function keyOf(info: PointerInfo | undefined): string {
  if (!info) return ''
  const { pick } = info
  return pick.kind === 'ground' ? '' : `${pick.kind} ${pick.kind === 'edge' ? pick.key : pick.kind === 'lane' ? pick.index : pick.id}`
}

/** What the pointer rests on, after a moment. */
export function useHover(): Hover {
  const [info, setInfo] = useState<PointerInfo>()
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined)
  const last = useRef('')
  const over = useCallback((next: PointerInfo | undefined) => {
    const key = keyOf(next)
    if (key === last.current) return
    last.current = key
    clearTimeout(timer.current)
    setInfo(undefined)
    if (key !== '') timer.current = setTimeout(() => { setInfo(next) }, AFTER_MS)
  }, [])
  useEffect(() => () => { clearTimeout(timer.current) }, [])
  const quiet = useCallback(() => { clearTimeout(timer.current); setInfo(undefined) }, [])
  return useMemo(() => ({ info, over, quiet }), [info, over, quiet])
}

/** Name, model, id and the values that change; of a line its name, of a lane how many it stands for. */
export function HoverTip({ hover, models }: { hover: Hover; models: Models }): ReactNode {
  const menu = useScreen((state) => state.menu)
  const { info } = hover
  if (!info || menu || info.pick.kind === 'ground') return null
  const left = Math.min(info.x + 14, window.innerWidth - WIDTH - 8)
  const top = info.y + 18 + HEIGHT > window.innerHeight ? info.y - HEIGHT : info.y + 18
  return (
    <div className="graph-tip" role="tooltip" style={{ left, top: Math.max(8, top) }} data-testid="graph.tip">
      {info.pick.kind === 'edge' ? <LineTip edge={info.pick.key} /> : info.pick.kind === 'lane' ? <LaneTip index={info.pick.index} /> : <TwinTip id={info.pick.id} models={models} />}
    </div>
  )
}

function TwinTip({ id, models }: { id: string; models: Models }): ReactNode {
  const { twins } = useGraph()
  const { structure, state, scope, picture } = screen()
  const isBox = picture?.layout.boxes.some((box) => box.id === id) ?? false
  const node = structure.nodes.get(id)
  if (!node) return null
  const known = twins.get(id)
  const leaves = leavesOf(models, node.model)
  const changing = known ? byChange(leaves, node.model, twins.changes, writtenAt([known.twin], leaves)).slice(0, VALUES) : []
  return (
    <>
      <div className="row"><MarkIcon look={lookOf(models, node.model, state.slots)} /><strong className="cut">{node.label}</strong></div>
      <div className="hint cut">{models.name(node.model)} · <span className="mono">{id}</span></div>
      {known && changing.map(({ path, content }) => {
        const text = content.schema && showShort(valueAt(known.twin, path.join('.')), content.schema, content.unit?.symbol ?? '')
        return text === undefined ? null : <div key={path.join('.')} className="row tip-value"><span className="grow cut">{path.at(-1)}</span><span className="num">{text}</span></div>
      })}
      {scope !== 'schema' && <div className="hint">{isBox ? t('graph.tip-box') : t('graph.tip-mark')}</div>}
    </>
  )
}

function LineTip({ edge: key }: { edge: string }): ReactNode {
  const { structure } = screen()
  const edge = structure.edges.get(key)
  if (!edge) return null
  return <><strong className="mono">{edge.name}</strong><div className="hint">{structure.nodes.get(edge.source)?.label} → {structure.nodes.get(edge.target)?.label}</div></>
}

function LaneTip({ index }: { index: number }): ReactNode {
  const { structure, picture } = screen()
  const lane = picture?.layout.lanes[index]
  if (!lane) return null
  const label = (id: string): string => structure.nodes.get(id)?.label ?? id
  return (
    <>
      <strong className="mono">{lane.name}</strong>
      {lane.stops.map((stop) => <div key={stop.id} className="row tip-value"><span className="grow cut">{label(lane.from.id)} → {label(stop.id)}</span><span className="num">{stop.count}</span></div>)}
      <div className="hint">{t('graph.tip-lane')}</div>
    </>
  )
}
