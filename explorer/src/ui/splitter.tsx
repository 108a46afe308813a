import type { KeyboardEvent, PointerEvent, ReactNode } from 'react'
import { useRef } from 'react'

interface SplitterProps {
  readonly label: string
  readonly value: number
  readonly min: number
  readonly max: number
  readonly initial: number
  /** `grows`: which way a drag makes the value larger. */
  readonly grows: 'right' | 'left' | 'down' | 'up'
  readonly onChange: (value: number) => void
}

const STEP = 16

/** A line that is dragged, moved by arrows, and put back by a double click. */
export function Splitter({ label, value, min, max, initial, grows, onChange }: SplitterProps): ReactNode {
  const began = useRef<{ at: number; value: number }>(undefined)
  const vertical = grows === 'right' || grows === 'left'
  const sign = grows === 'right' || grows === 'down' ? 1 : -1
  const set = (next: number): void => { onChange(Math.round(Math.min(max, Math.max(min, next)))) }
  const onKey = (event: KeyboardEvent): void => {
    const forward = vertical ? 'ArrowRight' : 'ArrowDown'
    const back = vertical ? 'ArrowLeft' : 'ArrowUp'
    if (event.key !== forward && event.key !== back) return
    event.preventDefault()
    set(value + (event.key === forward ? STEP : -STEP) * sign)
  }
  const place = (event: PointerEvent): number => (vertical ? event.clientX : event.clientY)
  return (
    <div
      className={vertical ? 'splitter vertical' : 'splitter'} role="separator" aria-label={label} tabIndex={0}
      aria-orientation={vertical ? 'vertical' : 'horizontal'} aria-valuenow={value} aria-valuemin={min} aria-valuemax={max}
      onKeyDown={onKey} onDoubleClick={() => { set(initial) }}
      onPointerDown={(event) => { event.currentTarget.setPointerCapture(event.pointerId); began.current = { at: place(event), value } }}
      onPointerMove={(event) => { if (began.current) set(began.current.value + (place(event) - began.current.at) * sign) }}
      onPointerUp={() => { began.current = undefined }}
    />
  )
}
