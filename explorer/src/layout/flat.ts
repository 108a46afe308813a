/** What layouts without boxes have in common. */
import type { Forest } from './forest'
import type { LayoutKind, LayoutResult } from './types'

const MARGIN = 2

export function flat(kind: LayoutKind, count: number, forest: Forest): LayoutResult {
  return {
    kind, x: new Float64Array(count), y: new Float64Array(count), parent: forest.parent, box: new Int32Array(count).fill(-1), boxes: [], lanes: [],
    implied: new Uint8Array(forest.ends.source.length), inLane: new Uint8Array(forest.ends.source.length), absent: new Uint8Array(count), squeezed: 0,
    bounds: { x: 0, y: 0, w: 1, h: 1 }, containments: forest.containments, contained: forest.contained,
  }
}

/** The rectangle around all marks that have a place. */
export function frame(x: Float64Array, y: Float64Array, absent?: Uint8Array): LayoutResult['bounds'] {
  let [left, right, top, bottom] = [Infinity, -Infinity, Infinity, -Infinity]
  x.forEach((each, index) => {
    if (absent?.[index] === 1) return
    left = Math.min(left, each)
    right = Math.max(right, each)
    top = Math.min(top, y[index] ?? 0)
    bottom = Math.max(bottom, y[index] ?? 0)
  })
  if (left > right) return { x: 0, y: 0, w: 1, h: 1 }
  return { x: left - MARGIN, y: top - MARGIN, w: right - left + 2 * MARGIN, h: bottom - top + 2 * MARGIN }
}
