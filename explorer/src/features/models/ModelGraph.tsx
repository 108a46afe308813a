import { type PointerEvent, type ReactNode, useEffect, useMemo, useRef, useState, type WheelEvent } from 'react'
import { lookOf } from '@/state/looks'
import { formatNumber, t } from '@/text/text'
import { IconButton } from '@/ui/button'
import { FitIcon } from '@/ui/icons'
import { MarkIcon } from '@/ui/mark'
import { arrange, type Arranged, CARD, linesOf, type LineKind } from './arrange'
import { type ListProps, matcher } from './Lists'

const KINDS: readonly LineKind[] = ['extends', 'component', 'relationship']
const ZOOM = { least: 0.1, most: 2, margin: 48 }

interface View { readonly x: number; readonly y: number; readonly zoom: number }

/** Models as cards, heirs below those that they extend. */
export default function ModelGraph({ models, counts, filter, chosen, onChoose }: ListProps): ReactNode {
  const [shown, setShown] = useState<ReadonlySet<LineKind>>(new Set(['extends']))
  const [used, setUsed] = useState(false)
  const ids = useMemo(() => {
    const kept = models.all.filter((model) => !used || [...(counts?.own.keys() ?? [])].some((each) => models.is(each, model.id)))
    return kept.map((model) => model.id)
  }, [models, counts, used])
  const [arranged, setArranged] = useState<Arranged>()
  useEffect(() => {
    let current = true
    void arrange(models, ids).then((next) => { if (current) setArranged(next) })
    return () => { current = false }
  }, [models, ids])
  const lines = useMemo(() => linesOf(models, ids).filter((each) => shown.has(each.kind)), [models, ids, shown])
  const matches = matcher(models, filter)
  const { frame, view, handlers, fit } = useView(arranged)
  const at = (id: string): { x: number; y: number } => arranged?.places.get(id) ?? { x: 0, y: 0 }
  return (
    <div className="models-graph" ref={frame} {...handlers} data-testid="models.graph" data-ready={arranged ? '' : undefined}>
      <div className="models-stage" style={{ transform: `translate(${view.x}px, ${view.y}px) scale(${view.zoom})` }}>
        <svg className="models-lines" width={arranged?.width ?? 0} height={arranged?.height ?? 0} aria-hidden>
          <defs><marker id="heir" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="9" markerHeight="9" orient="auto"><path d="M1 1L9 5L1 9Z" fill="var(--canvas)" stroke="var(--text-3)" /></marker></defs>
          {lines.map((line) => {
            const [one, other] = [at(line.from), at(line.to)]
            const middle = (one.y + other.y) / 2
            return <path key={line.key} className={`models-line ${line.kind}${chosen === line.from || chosen === line.to ? ' on' : ''}`} d={`M${one.x} ${one.y - (line.kind === 'extends' ? CARD.h / 2 : 0)}C${one.x} ${middle} ${other.x} ${middle} ${other.x} ${other.y + (line.kind === 'extends' ? CARD.h / 2 : 0)}`} {...(line.kind === 'extends' && { markerEnd: 'url(#heir)' })}><title>{line.name}</title></path>
          })}
          {lines.filter((line) => line.kind === 'relationship').map((line) => {
            const [one, other] = [at(line.from), at(line.to)]
            return <text key={line.key} className="models-line-name" x={(one.x + other.x) / 2} y={(one.y + other.y) / 2} textAnchor="middle">{line.name}</text>
          })}
        </svg>
        {arranged && ids.map((id) => (
          <button key={id} type="button" className={`models-card${chosen === id ? ' on' : ''}${filter !== '' && !matches(id) ? ' pale' : ''}`} style={{ left: at(id).x - CARD.w / 2, top: at(id).y - CARD.h / 2 }} onClick={() => { onChoose(id) }} data-testid={`models.card.${id}`}>
            <MarkIcon look={lookOf(models, id)} size={12} /><span className="cut grow">{models.name(id)}</span><span className="num hint">{formatNumber(counts?.own.get(id) ?? 0)}</span>
          </button>
        ))}
      </div>
      <div className="floating models-switches">
        {KINDS.map((kind) => <label key={kind} className="row secondary"><input type="checkbox" checked={shown.has(kind)} onChange={() => { setShown((before) => { const next = new Set(before); if (!next.delete(kind)) next.add(kind); return next }) }} />{t(`models.lines-${kind}`)}</label>)}
        <label className="row secondary"><input type="checkbox" checked={used} onChange={() => { setUsed(!used) }} />{t('models.only-used')}</label>
        <IconButton icon={FitIcon} label={t('models.fit')} onClick={fit} />
      </div>
    </div>
  )
}

interface Handlers { readonly onWheel: (event: WheelEvent) => void; readonly onPointerDown: (event: PointerEvent) => void; readonly onPointerMove: (event: PointerEvent) => void; readonly onPointerUp: () => void }

/** Pan and zoom of the stage. */
function useView(arranged: Arranged | undefined): { readonly frame: React.RefObject<HTMLDivElement | null>; readonly view: View; readonly handlers: Handlers; readonly fit: () => void } {
  const frame = useRef<HTMLDivElement>(null)
  const [view, setView] = useState<View>({ x: 0, y: 0, zoom: 1 })
  const from = useRef<{ x: number; y: number; view: View }>(undefined)
  const fit = (): void => {
    const room = frame.current?.getBoundingClientRect()
    if (!room || !arranged) return
    const zoom = Math.min(1, (room.width - 2 * ZOOM.margin) / arranged.width, (room.height - 2 * ZOOM.margin) / arranged.height)
    setView({ zoom, x: (room.width - arranged.width * zoom) / 2, y: (room.height - arranged.height * zoom) / 2 })
  }
  useEffect(fit, [arranged])
  const handlers: Handlers = {
    onWheel: (event) => {
      const room = frame.current?.getBoundingClientRect()
      if (!room) return
      const [x, y] = [event.clientX - room.left, event.clientY - room.top]
      setView((before) => {
        const zoom = Math.min(ZOOM.most, Math.max(ZOOM.least, before.zoom * Math.exp(-event.deltaY / 400)))
        return { zoom, x: x - ((x - before.x) / before.zoom) * zoom, y: y - ((y - before.y) / before.zoom) * zoom }
      })
    },
    onPointerDown: (event) => { if (!(event.target as Element).closest('button, .models-switches')) { from.current = { x: event.clientX, y: event.clientY, view }; event.currentTarget.setPointerCapture(event.pointerId) } },
    onPointerMove: (event) => { const began = from.current; if (began) setView({ ...began.view, x: began.view.x + event.clientX - began.x, y: began.view.y + event.clientY - began.y }) },
    onPointerUp: () => { from.current = undefined },
  }
  return { frame, view, handlers, fit }
}
