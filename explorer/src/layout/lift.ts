/** Lines between siblings of a stack are told by lanes beside it (design 3.7). */
import { type Forest, lineOf } from './forest'
import { groupBy } from './group'
import type { Box, Lane, LayoutEdge } from './types'

/** Lines of one name that go from one child of a stack to others. */
export interface Lifted {
  readonly name: string
  /** Node of the stack. */
  readonly stack: number
  readonly from: number
  readonly stops: ReadonlyMap<number, number>
  readonly edges: readonly number[]
}

export const LANE_STEP = 0.34
const LEAST_GUTTER = 1.7
const GUTTER_MARGIN = 0.68
const MOST_LANES = 12

/** Lift every line that is not implied to the children of the stack that is the lowest box around both ends. */
export function liftedOf(forest: Forest, edges: readonly LayoutEdge[], implied: Uint8Array, isStack: (node: number) => boolean): readonly Lifted[] {
  const lanes = new Map<string, { name: string; stack: number; from: number; stops: Map<number, number>; edges: number[] }>()
  edges.forEach((edge, index) => {
    const source = forest.ends.source[index] ?? -1
    const target = forest.ends.target[index] ?? -1
    if (implied[index] === 1 || source < 0 || target < 0 || source === target) return
    const one = lineOf(forest.parent, source)
    const other = lineOf(forest.parent, target)
    let same = 0
    while (same < one.length && same < other.length && one[same] === other[same]) same += 1
    const stack = one[same - 1]
    const from = one[same]
    const to = other[same]
    if (stack === undefined || from === undefined || to === undefined || !isStack(stack)) return
    if ((forest.children[from]?.length ?? 0) === 0 || (forest.children[to]?.length ?? 0) === 0) return
    const key = `${stack}\n${from}\n${edge.name}`
    let lane = lanes.get(key)
    if (!lane) lanes.set(key, lane = { name: edge.name, stack, from, stops: new Map(), edges: [] })
    lane.stops.set(to, (lane.stops.get(to) ?? 0) + 1)
    lane.edges.push(index)
  })
  return [...lanes.values()].sort((one, other) => one.stack - other.stack || other.edges.length - one.edges.length || (one.name < other.name ? -1 : one.name > other.name ? 1 : one.from - other.from))
}

export function gutterFor(count: number): number {
  return count === 0 ? 0 : Math.max(LEAST_GUTTER, GUTTER_MARGIN + Math.min(count, MOST_LANES) * LANE_STEP)
}

/** Give lanes their places once the boxes have theirs. */
export function lanesOf(lifted: readonly Lifted[], boxes: readonly Box[], boxOf: Int32Array, ids: readonly string[]): readonly Lane[] {
  const lanes: Lane[] = []
  const groups = groupBy(lifted, (each) => each.stack)
  for (const [stack, all] of groups) {
    const group = all.slice(0, MOST_LANES)
    const box = boxOf[stack] ?? -1
    const around = boxes[box]
    if (!around) continue
    const middle = (node: number, lane: number): number => {
      const each = boxes[boxOf[node] ?? -1]
      const spread = each ? Math.min(0.26, (each.head * 0.7) / group.length) : 0
      return each ? each.y + each.head / 2 + (lane - (group.length - 1) / 2) * spread : 0
    }
    group.forEach((each, index) => {
      const stops = [...each.stops].map(([node, count]) => ({ id: ids[node] ?? '', y: middle(node, index), count })).sort((one, other) => one.y - other.y)
      lanes.push({ name: each.name, box, x: around.x + 0.5 + index * LANE_STEP, from: { id: ids[each.from] ?? '', y: middle(each.from, index) }, stops, edges: each.edges })
    })
  }
  return lanes
}
