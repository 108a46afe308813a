/** The drawing on its paper: in a shadow root, moved and zoomed, its elements as the behaviours want them. */
import { type DragEvent, type PointerEvent, type ReactNode, useEffect, useMemo, useRef, useState } from 'react'
import { t } from '@/text/text'
import { IconButton } from '@/ui/button'
import { AddIcon, FitIcon, RemoveIcon } from '@/ui/icons'
import { DRAGGED_TWIN } from './drag'
import type { Drawing } from './drawing'
import type { ElementLook } from './effects'
import { Marks } from './Marks'
import { type Camera, fitted, moved, zoomed } from './camera'
import { mountDrawing, type Mounted } from './mount'

const MOVES_ABOVE = 4
const STEP = 1.3
const WALK = 60

export interface PaperProps {
  readonly drawing: Drawing
  readonly looks: ReadonlyMap<string, ElementLook>
  /** Elements that can be chosen. */
  readonly active: ReadonlySet<string>
  readonly chosen: ReadonlySet<string>
  readonly hovered: string | undefined
  /** While editing: elements that stand for no twin. */
  readonly unbound?: ReadonlySet<string>
  readonly label: string
  readonly onChoose: (element: string | undefined, more: boolean) => void
  readonly onHover: (element: string | undefined) => void
  /** A twin was dragged onto an element. */
  readonly onDrop?: (element: string, twin: string) => void
  readonly children?: ReactNode
}

/** Where the camera is: fitted until somebody moves it. */
function useCamera(frame: React.RefObject<HTMLDivElement | null>, drawing: Drawing): readonly [Camera, (next: (before: Camera) => Camera) => void, () => void] {
  const [camera, setCamera] = useState<Camera>()
  const [size, setSize] = useState({ width: 0, height: 0 })
  useEffect(() => {
    const element = frame.current
    if (!element) return undefined
    const watch = new ResizeObserver(() => { setSize({ width: element.clientWidth, height: element.clientHeight }) })
    watch.observe(element)
    return () => { watch.disconnect() }
  }, [frame])
  const fit = useMemo(() => fitted(size, drawing), [size, drawing])
  useEffect(() => { setCamera(undefined) }, [drawing])
  return [camera ?? fit, (next) => { setCamera((before) => next(before ?? fit)) }, () => { setCamera(undefined) }]
}

export function Paper(props: PaperProps): ReactNode {
  const { drawing, looks, active, chosen, hovered, unbound, label, onChoose, onHover, onDrop, children } = props
  const frame = useRef<HTMLDivElement>(null)
  const host = useRef<HTMLDivElement>(null)
  const [mounted, setMounted] = useState<Mounted>()
  const [camera, move, fit] = useCamera(frame, drawing)
  const drag = useRef<{ x: number; y: number; moving: boolean }>(undefined)

  useEffect(() => {
    if (!host.current) return undefined
    const next = mountDrawing(host.current, drawing)
    setMounted(next)
    return () => { next.unmount(); setMounted(undefined) }
  }, [drawing])
  useEffect(() => { mounted?.setActive(active, unbound ?? new Set()) }, [mounted, active, unbound])
  useEffect(() => { mounted?.setLooks(looks) }, [mounted, looks])
  useEffect(() => { mounted?.setChosen(chosen, hovered) }, [mounted, chosen, hovered])
  useEffect(() => {
    const element = frame.current
    if (!element) return undefined
    // React listens to wheels passively: the page would be zoomed as well.
    const onWheel = (event: WheelEvent): void => {
      event.preventDefault()
      const box = element.getBoundingClientRect()
      move((before) => zoomed(before, Math.exp(-event.deltaY * (event.ctrlKey ? 0.01 : 0.0016)), { x: event.clientX - box.left, y: event.clientY - box.top }))
    }
    element.addEventListener('wheel', onWheel, { passive: false })
    return () => { element.removeEventListener('wheel', onWheel) }
  })

  const middle = (): { x: number; y: number } => ({ x: (frame.current?.clientWidth ?? 0) / 2, y: (frame.current?.clientHeight ?? 0) / 2 })
  const zoom = (by: number): void => { move((before) => zoomed(before, by, middle())) }
  const handlers = {
    onPointerDown: (event: PointerEvent) => { if (event.button === 0) drag.current = { x: event.clientX, y: event.clientY, moving: false } },
    onPointerMove: (event: PointerEvent) => {
      const { current } = drag
      if (!current) { onHover(mounted?.at(event.clientX, event.clientY)); return }
      const [dx, dy] = [event.clientX - current.x, event.clientY - current.y]
      if (!current.moving && Math.hypot(dx, dy) < MOVES_ABOVE) return
      if (!current.moving) event.currentTarget.setPointerCapture(event.pointerId)
      drag.current = { x: event.clientX, y: event.clientY, moving: true }
      move((before) => moved(before, dx, dy))
    },
    onPointerUp: (event: PointerEvent) => {
      const { current } = drag
      drag.current = undefined
      if (current && !current.moving) onChoose(mounted?.at(event.clientX, event.clientY), event.shiftKey)
    },
    onPointerCancel: () => { drag.current = undefined },
    onPointerLeave: () => { onHover(undefined) },
    onDragOver: (event: DragEvent) => {
      if (!onDrop || !event.dataTransfer.types.includes(DRAGGED_TWIN)) return
      event.preventDefault()
      onHover(mounted?.at(event.clientX, event.clientY))
    },
    onDrop: (event: DragEvent) => {
      const element = mounted?.at(event.clientX, event.clientY)
      const twin = event.dataTransfer.getData(DRAGGED_TWIN)
      if (!onDrop || element === undefined || twin === '') return
      event.preventDefault()
      onDrop(element, twin)
    },
    onKeyDown: (event: React.KeyboardEvent) => {
      const by: Record<string, () => void> = {
        '+': () => { zoom(STEP) }, '=': () => { zoom(STEP) }, '-': () => { zoom(1 / STEP) }, 0: fit,
        ArrowLeft: () => { move((before) => moved(before, WALK, 0)) }, ArrowRight: () => { move((before) => moved(before, -WALK, 0)) },
        ArrowUp: () => { move((before) => moved(before, 0, WALK)) }, ArrowDown: () => { move((before) => moved(before, 0, -WALK)) },
      }
      if (event.target !== event.currentTarget || !Object.hasOwn(by, event.key) || event.ctrlKey || event.metaKey) return
      event.preventDefault()
      by[event.key]?.()
    },
  }
  return (
    <div className="scenes-frame" data-testid="scenes.paper" data-ready={mounted ? '' : undefined}>
      <div className="scenes-ground" ref={frame} tabIndex={0} role="application" aria-label={label} {...handlers} {...(hovered !== undefined && { 'data-over': '' })}>
        <div className="scenes-stage on-paper" style={{ width: drawing.width, height: drawing.height, transform: `translate(${camera.x}px, ${camera.y}px) scale(${camera.k})`, '--k': camera.k } as React.CSSProperties}>
          <div ref={host} className="scenes-drawing" />
          {mounted && <Marks mounted={mounted} looks={looks} zoom={camera.k} />}
        </div>
      </div>
      <div className="floating scenes-zoom">
        <IconButton icon={AddIcon} label={t('scenes.zoom-in')} keys="+" side="left" onClick={() => { zoom(STEP) }} />
        <IconButton icon={RemoveIcon} label={t('scenes.zoom-out')} keys="-" side="left" onClick={() => { zoom(1 / STEP) }} />
        <IconButton icon={FitIcon} label={t('scenes.fit')} keys="0" side="left" onClick={fit} />
      </div>
      {children}
    </div>
  )
}
