/** The mark of a model: shape within the family, colour of the family (design 3.2). */
import type { ReactNode } from 'react'

export const SHAPES = ['circle', 'square', 'triangle', 'diamond'] as const
export type Shape = (typeof SHAPES)[number]

/** How a twin of a model looks. */
export interface Look {
  readonly shape: Shape
  readonly hole: boolean
  /** Palette slot 1..8; 0 is none. */
  readonly slot: number
}

export function colourOf(slot: number): string { return slot >= 1 && slot <= 8 ? `var(--family-${slot})` : 'var(--text-3)' }

const PATHS: Record<Shape, string> = {
  circle: 'M8 2a6 6 0 1 0 0 12a6 6 0 1 0 0-12Z',
  square: 'M4.5 2.8h7a1.7 1.7 0 0 1 1.7 1.7v7a1.7 1.7 0 0 1-1.7 1.7h-7a1.7 1.7 0 0 1-1.7-1.7v-7a1.7 1.7 0 0 1 1.7-1.7Z',
  triangle: 'M8 2.2L14.4 13.2H1.6Z',
  diamond: 'M8 1.2L14.8 8L8 14.8L1.2 8Z',
}

export function MarkIcon({ look, size = 10 }: { look: Look; size?: number }): ReactNode {
  return (
    <svg width={size} height={size} viewBox="0 0 16 16" aria-hidden className="mark">
      <path d={PATHS[look.shape]} fill={colourOf(look.slot)} />
      {look.hole && <circle cx="8" cy={look.shape === 'triangle' ? 9.5 : 8} r="2.2" fill="var(--surface)" />}
    </svg>
  )
}
