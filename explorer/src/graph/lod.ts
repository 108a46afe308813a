/** How much is shown at which size (design 3.7). `u` is pixels per unit of the layout. */
import type { Shape } from '@/ui/mark'

export const BARS_BELOW = 7
export const NAMES_ABOVE = 34
export const VALUES_ABOVE = 44
export const LINES_BELOW = 0.5
/** Boxes deeper than this are a bar when far. */
export const FAR_DEPTH = 2

const TITLE_SIZES = [15, 14, 13, 11.5, 11] as const
const CHIP_SHARES = [0.34, 0.32, 0.29, 0.26, 0.22] as const
const MARK_SHARE = 0.235
const RADII = [10, 9, 8, 6, 5] as const
const OPTICAL: Readonly<Record<Shape, number>> = { circle: 1, square: 0.92, triangle: 1.5, diamond: 1.32 }
const HEAD_SHARE = 0.9
const LEAST_TITLED = 40
const MOST_GROWTH = 1.2
const MOST_SCALE = 3
const LEAST_FLAT = 3.2
const HUB_GROWTH = 0.28
const MOST_HUB = 2.2

export interface Detail {
  /** Boxes and marks deeper than this are not drawn one by one. */
  readonly depth: number
  readonly names: boolean
  readonly values: boolean
  /** Lines between marks, and lanes no more. */
  readonly lines: boolean
}

export function detailOf(u: number, ratio: number): Detail {
  return { depth: u < BARS_BELOW ? FAR_DEPTH : Infinity, names: u > NAMES_ABOVE, values: u > VALUES_ABOVE, lines: ratio < LINES_BELOW }
}

function byDepth(list: readonly number[], depth: number): number { return list[Math.min(depth, list.length - 1)] ?? 1 }

function clamped(radius: number): number { return Math.max(2, Math.min(9, radius)) }

/** Radius in pixels of a mark when the picture fits; `depth` is that of the box whose chip it is. */
export function radiusAtFit(fitU: number, shape: Shape, depth: number | undefined): number {
  const share = depth === undefined ? MARK_SHARE : byDepth(CHIP_SHARES, depth)
  return clamped(share * fitU) * OPTICAL[shape]
}

/** Where no boxes say what holds what, a mark is larger the more it holds. */
export function flatRadius(fitU: number, shape: Shape, children: number): number {
  const radius = Math.max(MARK_SHARE * fitU, Math.min(LEAST_FLAT, 0.6 * fitU))
  return clamped(radius) * Math.min(MOST_HUB, 1 + HUB_GROWTH * Math.log2(1 + children)) * OPTICAL[shape]
}

/** Marks grow with the root of the zoom: what is between them grows faster. */
export function growth(u: number, fitU: number): number { return Math.min(MOST_SCALE, Math.sqrt(u / fitU)) }

export function cornerOf(depth: number): number { return byDepth(RADII, depth) }

/** Size of a box's title in pixels, or undefined where it would not be read. */
export function titleSize(depth: number, headPx: number, widthPx: number): number | undefined {
  const size = byDepth(TITLE_SIZES, depth)
  if (headPx < HEAD_SHARE * size || widthPx < LEAST_TITLED) return undefined
  return size * Math.max(1, Math.min(MOST_GROWTH, headPx / (2.2 * size)))
}
