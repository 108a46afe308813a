/** Twins where they are on the earth: plain equirectangular (design 4.3). */
import type { Forest } from './forest'
import { flat, frame } from './flat'
import type { LayoutNode, LayoutResult } from './types'

const WIDTH = 60
const SPIRAL = 1.1
const GOLDEN = Math.PI * (3 - Math.sqrt(5))

export function map(nodes: readonly LayoutNode[], forest: Forest): LayoutResult {
  const result = flat('map', nodes.length, forest)
  const points = nodes.map((node) => node.point)
  const known = points.filter((point) => point !== undefined)
  if (known.length === 0) { result.absent.fill(1); return result }
  const bound = (axis: 0 | 1, pick: (...values: number[]) => number): number => known.reduce((found, point) => pick(found, point[axis]), known[0]?.[axis] ?? 0)
  const [west, east, south, north] = [bound(0, Math.min), bound(0, Math.max), bound(1, Math.min), bound(1, Math.max)]
  const narrow = Math.max(0.05, Math.cos((((south + north) / 2) * Math.PI) / 180))
  const span = Math.max((east - west) * narrow, north - south, 1e-6)
  const scale = { x: (WIDTH * narrow) / span, y: WIDTH / span }
  // Twins at one place stand in a spiral around it.
  const crowd = new Map<string, number>()
  points.forEach((point, index) => {
    if (!point) { result.absent[index] = 1; return }
    const [x, y] = [(point[0] - west) * scale.x, (north - point[1]) * scale.y]
    const key = `${Math.round(x)} ${Math.round(y)}`
    const place = crowd.get(key) ?? 0
    crowd.set(key, place + 1)
    const away = SPIRAL * Math.sqrt(place)
    result.x[index] = x + Math.cos(place * GOLDEN) * away
    result.y[index] = y + Math.sin(place * GOLDEN) * away
  })
  return { ...result, bounds: frame(result.x, result.y, result.absent), earth: { west, north, scale } }
}
