/** From rectangles of boxes to places of marks. */
import { type Forest, impliedBy } from './forest'
import { groupBy } from './group'
import { gutterFor, lanesOf, type Lifted, liftedOf } from './lift'
import { arrange, bestPlans, Boxes, GAP, PADDING, type Rect, stretched } from './nested'
import type { Box, LayoutEdge, LayoutNode, LayoutOptions, LayoutResult } from './types'

const WIDEST_CELL = 1.9
const CHIP = 0.6
const HEAD_STEP = 1.1

export interface Grid { readonly x: number; readonly y: number; readonly cellW: number; readonly cellH: number; readonly columns: number }

export function nested(nodes: readonly LayoutNode[], edges: readonly LayoutEdge[], forest: Forest, options: LayoutOptions): LayoutResult {
  const all = new Boxes(forest, nodes, options.collapsed ?? [], options.opened ?? [])
  const implied = impliedBy(forest)
  const lifted = liftedOf(forest, edges, implied, (node) => all.isStack(node))
  for (const [stack, lanes] of groupBy(lifted, (each) => each.stack)) all.gutter[stack] = gutterFor(lanes.length)
  const { plans, root } = bestPlans(all, options.aspect)
  const whole = all.boxes(-1).length > 0 && all.leaves(-1).length === 0 ? stretched(root, options.aspect) : { w: root.w, h: root.h }
  const rects = arrange(all, plans, root, whole)
  return finish(nodes, edges, forest, all, rects, { implied, lifted, ...whole, rootColumns: root.columns })
}

interface Rest { readonly implied: Uint8Array; readonly lifted: readonly Lifted[]; readonly w: number; readonly h: number; readonly rootColumns: number }

function finish(nodes: readonly LayoutNode[], edges: readonly LayoutEdge[], forest: Forest, all: Boxes, rects: readonly Rect[], rest: Rest): LayoutResult {
  const x = new Float64Array(nodes.length)
  const y = new Float64Array(nodes.length)
  const box = new Int32Array(nodes.length).fill(-1)
  const absent = new Uint8Array(nodes.length)
  const boxes = rects.map((rect, index): Box => {
    box[rect.node] = index
    return boxOf(nodes, forest, all, rect)
  })
  rects.forEach((rect, index) => { placeLeaves(all, rect, boxes[index]?.head ?? 0, forest, { x, y, absent }) })
  placeRootLeaves(all, rest, x, y)
  const lanes = lanesOf(rest.lifted, boxes, box, nodes.map((node) => node.id))
  const inLane = new Uint8Array(edges.length)
  for (const lane of lanes) for (const edge of lane.edges) inLane[edge] = 1
  return {
    kind: 'nested', x, y, parent: forest.parent, box, boxes, lanes, implied: rest.implied, inLane, absent, squeezed: 0,
    bounds: { x: 0, y: 0, w: rest.w, h: rest.h }, containments: forest.containments, contained: forest.contained,
  }
}

function boxOf(nodes: readonly LayoutNode[], forest: Forest, all: Boxes, rect: Rect): Box {
  const models: Record<string, number> = {}
  const below = [...(forest.children[rect.node] ?? [])]
  for (let each = below.pop(); each !== undefined; each = below.pop()) {
    const model = nodes[each]?.model ?? ''
    models[model] = (models[model] ?? 0) + 1
    below.push(...(forest.children[each] ?? []))
  }
  return {
    id: nodes[rect.node]?.id ?? '', depth: forest.depth[rect.node] ?? 0, x: rect.x, y: rect.y, w: rect.w, h: rect.h, head: all.head(rect.node),
    parent: rect.parent, count: forest.count[rect.node] ?? 0, models, stacked: all.isStack(rect.node), collapsed: all.isBar(rect.node),
  }
}

/** The cells of the leaves of a box: as many columns as fit, no wider than marks need. */
export function gridOf(count: number, columns: number, inner: { x: number; y: number; w: number; h: number }): Grid {
  const most = Math.max(1, Math.min(count, Math.max(columns, Math.floor(inner.w))))
  const rows = Math.max(1, Math.ceil(count / most))
  // Rows of about the same length, not one that is full and one with a single mark.
  const cells = Math.ceil(count / rows)
  return { x: inner.x, y: inner.y, columns: cells, cellW: Math.min(WIDEST_CELL, inner.w / cells), cellH: Math.min(WIDEST_CELL, Math.max(0.5, inner.h / rows)) }
}

export function cellOf(grid: Grid, index: number): readonly [number, number] {
  return [grid.x + ((index % grid.columns) + 0.5) * grid.cellW, grid.y + (Math.floor(index / grid.columns) + 0.5) * grid.cellH]
}

interface Places { readonly x: Float64Array; readonly y: Float64Array; readonly absent: Uint8Array }

function placeLeaves(all: Boxes, rect: Rect, head: number, forest: Forest, { x, y, absent }: Places): void {
  const put = (node: number, [px, py]: readonly [number, number]): void => { x[node] = px; y[node] = py }
  put(rect.node, [rect.x + CHIP, rect.y + head / 2])
  if (all.isBar(rect.node)) {
    const below = [...(forest.children[rect.node] ?? [])]
    for (let each = below.pop(); each !== undefined; each = below.pop()) {
      put(each, [rect.x + rect.w / 2, rect.y + (head + rect.h) / 2])
      absent[each] = 1
      below.push(...(forest.children[each] ?? []))
    }
    return
  }
  all.headLeaves(rect.node).forEach((node, index, list) => { put(node, [rect.x + rect.w - CHIP - (list.length - 1 - index) * HEAD_STEP, rect.y + head / 2]) })
  const leaves = all.gridLeaves(rect.node)
  if (leaves.length === 0) return
  const grid = gridOf(leaves.length, rect.plan.columns, gridRoom(all, rect, head))
  leaves.forEach((node, index) => { put(node, cellOf(grid, index)) })
}

/** The part of a box where its leaves lie: below its head, and below its boxes. */
function gridRoom(all: Boxes, rect: Rect, head: number): { x: number; y: number; w: number; h: number } {
  const gutter = all.gutterOf(rect.node)
  const rows = rect.plan.rowHeights
  const above = rows.length === 0 ? 0 : rows.reduce((sum, each) => sum + each + GAP, 0) + Math.max(0, rect.h - rect.plan.h)
  return { x: rect.x + PADDING + gutter, y: rect.y + head + above, w: rect.w - 2 * PADDING - gutter, h: rect.h - head - above - PADDING }
}

function placeRootLeaves(all: Boxes, rest: Rest, x: Float64Array, y: Float64Array): void {
  const leaves = all.gridLeaves(-1)
  if (leaves.length === 0) return
  const rows = Math.ceil(leaves.length / Math.max(1, Math.min(leaves.length, rest.rootColumns)))
  const grid = gridOf(leaves.length, rest.rootColumns, { x: 0, y: rest.h - rows, w: rest.w, h: rows })
  leaves.forEach((node, index) => { [x[node], y[node]] = cellOf(grid, index) })
}
