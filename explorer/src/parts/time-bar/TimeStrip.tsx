import { type KeyboardEvent, type PointerEvent, type ReactNode, useCallback, useRef, useState } from 'react'
import { useClock } from '@/state/clock'
import { useGraph } from '@/state/graph'
import { formatInstant, millisOf, showInstant, ticksOf } from '@/state/instants'
import { t } from '@/text/text'
import { type Span, useActivity } from './activity'
import { barsOf, bucketsFor, instantAt, shareOf } from './bars'
import type { Time } from './useTime'

/** Pixels at the right end that mean now. */
const SNAP = 5
/** Pixels that the text of a tick takes. */
const TICK = 48

/** The width of an element, as it changes. */
export function useWidth(): readonly [(element: HTMLElement | null) => void, number] {
  const [width, setWidth] = useState(0)
  const watched = useRef<ResizeObserver>(undefined)
  const ref = useCallback((element: HTMLElement | null) => {
    watched.current?.disconnect()
    if (!element) return
    watched.current = new ResizeObserver(() => { setWidth(Math.round(element.getBoundingClientRect().width)) })
    watched.current.observe(element)
    setWidth(Math.round(element.getBoundingClientRect().width))
  }, [])
  return [ref, width]
}

export function Bars({ span, width, height, upTo }: { span: Span; width: number; height: number; upTo: number | undefined }): ReactNode {
  const { data } = useActivity(span, bucketsFor(width))
  if (!data || width === 0) return null
  const bars = barsOf(data.changes, millisOf(data.from.time) ?? span.from, millisOf(data.to.time) ?? span.to, span)
  const edge = upTo === undefined ? 1 : shareOf(upTo, span)
  return (
    <svg className="time-bars" width={width} height={height} aria-hidden>
      {bars.map((bar) => {
        const tall = Math.max(2, bar.height * (height - 6))
        return <rect key={bar.x} className={bar.x > edge ? 'time-later' : 'time-bar'} x={bar.x * width} width={Math.max(1, bar.width * width - 1)} y={height - tall} height={tall} />
      })}
    </svg>
  )
}

/** Bars of changes with the handle: drag it, click, or move it with the arrows. */
export function TimeStrip({ span, time }: { span: Span; time: Time }): ReactNode {
  const { at } = useGraph()
  const held = useClock((state) => state.held)
  const [ref, width] = useWidth()
  const dragging = useRef(false)
  const here = held === undefined ? millisOf(at) : held === Infinity ? undefined : held
  const share = here === undefined ? shareOf(span.now, span) : shareOf(here, span)

  const move = (event: PointerEvent<HTMLElement>): void => {
    const box = event.currentTarget.getBoundingClientRect()
    time.scrub(instantAt((event.clientX - box.left) / box.width, span, SNAP / box.width))
  }
  const onKey = (event: KeyboardEvent): void => {
    const step = (span.to - span.from) / 100
    const from = here ?? span.now
    const to = event.key === 'ArrowLeft' ? from - step : event.key === 'ArrowRight' ? from + step : event.key === 'Home' ? Math.max(span.from, span.oldest) : event.key === 'End' ? span.now : undefined
    if (to === undefined) return
    event.preventDefault()
    time.go(to >= span.now ? undefined : formatInstant(Math.max(span.oldest, to)))
  }
  return (
    <div className="time-strip" ref={ref} role="slider" tabIndex={0} aria-label={t('time.bar')} aria-valuemin={Math.round(Math.max(span.from, span.oldest))} aria-valuemax={Math.round(span.to)} aria-valuenow={Math.round(here ?? span.now)}
      aria-valuetext={here === undefined ? t('frame.now') : showInstant(here, span.now, true)} data-testid="time.strip" onKeyDown={onKey}
      onPointerDown={(event) => { if (event.button !== 0) return; event.currentTarget.setPointerCapture(event.pointerId); dragging.current = true; move(event) }}
      onPointerMove={(event) => { if (dragging.current) move(event) }}
      onPointerUp={() => { if (dragging.current) { dragging.current = false; time.settle() } }}
      onPointerCancel={() => { dragging.current = false; time.settle() }}>
      {span.isCut && span.from < span.oldest && <span className="time-gone" style={{ width: `${shareOf(span.oldest, span) * 100}%` }} title={t('time.not-kept')} />}
      <Bars span={span} width={width} height={24} upTo={here} />
      {ticksOf(Math.max(span.from, span.oldest), span.to, width).filter((tick) => shareOf(tick.at, span) * width < width - TICK).map((tick) => <span key={tick.at} className="time-tick" style={{ left: `${shareOf(tick.at, span) * 100}%` }} aria-hidden>{tick.text}</span>)}
      {share >= 0 && share <= 1 && <span className="time-handle" style={{ left: `${share * 100}%` }} data-testid="time.handle" />}
    </div>
  )
}
