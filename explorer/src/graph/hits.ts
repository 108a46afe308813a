/** What is under the pointer. Marks are found by a grid: WebGL need not be asked. */
import type { Frame } from './camera'
import type { Detail } from './lod'
import { isLaneShown, laneOn } from './paint/lanes'
import { lineOn } from './paint/lines'
import type { Step } from './pen'
import type { Scene } from './scene'
import { isDrawn, isInView, pointOf, radiusOf, rectOf } from './stage'
import { type State, isLine } from './state'
import type { Pick } from './types'

const MARK_REACH = 4
const LINE_REACH = 4
const LANE_REACH = 3.5

export interface Ground { readonly scene: Scene; readonly state: State; readonly frame: Frame; readonly detail: Detail }

/** Marks by cell, so that only those near the pointer are looked at. */
export class Grid {
  readonly #cells = new Map<number, number[]>()
  readonly #side: number
  readonly #wide: number

  constructor(private readonly scene: Scene) {
    const { bounds, nodes } = scene
    this.#side = Math.max(1, Math.sqrt((bounds.w * bounds.h) / Math.max(1, nodes.length)) * 1.5)
    this.#wide = Math.max(1, Math.ceil(bounds.w / this.#side)) + 2
    for (let node = 0; node < nodes.length; node += 1) {
      const key = this.#key(this.#column(scene.x[node] ?? 0), this.#row(scene.y[node] ?? 0))
      const cell = this.#cells.get(key)
      if (cell) cell.push(node)
      else this.#cells.set(key, [node])
    }
  }

  /** Twins within a rectangle of the layout, with some around it. */
  * within(left: number, top: number, right: number, bottom: number): Generator<number> {
    for (let row = this.#row(top); row <= this.#row(bottom); row += 1) {
      for (let column = this.#column(left); column <= this.#column(right); column += 1) yield* this.#cells.get(this.#key(column, row)) ?? []
    }
  }

  #column(x: number): number { return Math.max(0, Math.min(this.#wide - 1, Math.floor((x - this.scene.bounds.x) / this.#side) + 1)) }
  #row(y: number): number { return Math.floor((y - this.scene.bounds.y) / this.#side) }
  #key(column: number, row: number): number { return row * this.#wide + column }
}

/** The mark nearest to a place, if the place is on it or close by. */
export function markAt(ground: Ground, grid: Grid, px: number, py: number, reach = MARK_REACH): number | undefined {
  const { scene, frame } = ground
  const most = 16 + reach
  const [x, y, around] = [(px - frame.left) / frame.u, (py - frame.top) / frame.u, most / frame.u]
  let found: number | undefined
  let nearest = Infinity
  for (const node of grid.within(x - around, y - around, x + around, y + around)) {
    if (!isDrawn(ground, node)) continue
    const at = pointOf(scene, frame, node)
    const away = Math.hypot(at.x - px, at.y - py)
    if (away <= Math.max(5, radiusOf(scene, frame, node) + reach) && away < nearest) {
      nearest = away
      found = node
    }
  }
  return found
}

export function pickAt(ground: Ground, grid: Grid, px: number, py: number): Pick {
  const { scene } = ground
  const mark = markAt(ground, grid, px, py)
  if (mark !== undefined) return { kind: 'node', id: scene.nodes[mark]?.id ?? '' }
  const lane = laneAt(ground, px, py)
  if (lane !== undefined) return { kind: 'lane', index: lane }
  const edge = edgeAt(ground, px, py)
  if (edge !== undefined) return { kind: 'edge', key: scene.edges[edge]?.key ?? '' }
  const box = boxAt(ground, px, py)
  return box === undefined ? { kind: 'ground' } : { kind: 'box', id: scene.boxes[box]?.id ?? '' }
}

function boxAt({ scene, state, frame, detail }: Ground, px: number, py: number): number | undefined {
  let found: number | undefined
  for (const index of scene.order) {
    const box = scene.boxes[index]
    if (!box || state.boxShown[index] !== 1 || box.depth > detail.depth) continue
    const rect = rectOf(box, frame)
    if (px >= rect.x && px <= rect.x + rect.w && py >= rect.y && py <= rect.y + rect.h) found = index
  }
  return found
}

export function awayFrom(px: number, py: number, x1: number, y1: number, x2: number, y2: number): number {
  const [dx, dy] = [x2 - x1, y2 - y1]
  const share = Math.max(0, Math.min(1, ((px - x1) * dx + (py - y1) * dy) / Math.max(1e-9, dx * dx + dy * dy)))
  return Math.hypot(px - x1 - share * dx, py - y1 - share * dy)
}

function edgeAt(ground: Ground, px: number, py: number): number | undefined {
  const { scene, state, detail } = ground
  let found: number | undefined
  let nearest = LINE_REACH
  const look = (edge: number): void => {
    if (state.edgeShown[edge] !== 1 || !isDrawn(ground, scene.from[edge] ?? -1) || !isDrawn(ground, scene.to[edge] ?? -1)) return
    const line = lineOn(ground, edge)
    if (!line) return
    const away = awayFrom(px, py, line.x1, line.y1, line.x2, line.y2)
    if (away < nearest) {
      nearest = away
      found = edge
    }
  }
  for (const edge of state.near) look(edge)
  if (found !== undefined) return found
  for (let edge = 0; edge < scene.edges.length; edge += 1) if (isLine(scene, edge, detail.lines)) look(edge)
  return found
}

function laneAt({ scene, state, frame, detail }: Ground, px: number, py: number): number | undefined {
  if (detail.lines) return undefined
  let found: number | undefined
  let nearest = LANE_REACH
  scene.lanes.forEach((lane, index) => {
    const path = isLaneShown({ state }, lane) ? laneOn(scene, lane, frame) : undefined
    if (!path || !isInView(rectOf(scene.boxes[lane.box] ?? { ...NO_BOX }, frame), frame)) return
    for (const steps of [path.trunk, ...path.stops.map((stop) => stop.branch)]) {
      const away = awayFromSteps(px, py, steps)
      if (away < nearest) {
        nearest = away
        found = index
      }
    }
  })
  return found
}

const NO_BOX = { id: '', depth: 0, x: 0, y: 0, w: 0, h: 0, head: 0, parent: -1, count: 0, models: {}, stacked: false, collapsed: false, node: -1, leaf: true, title: '', short: '', titleWidth: 0, shares: [] }

function awayFromSteps(px: number, py: number, steps: readonly Step[]): number {
  let nearest = Infinity
  let from: { x: number; y: number } | undefined
  for (const step of steps) {
    if (step.to === 'close') continue
    if (from && step.to !== 'move') nearest = Math.min(nearest, awayFrom(px, py, from.x, from.y, step.x, step.y))
    from = { x: step.x, y: step.y }
  }
  return nearest
}

/** Twins whose marks lie in a polygon. */
export function inLasso(ground: Ground, polygon: readonly { readonly x: number; readonly y: number }[]): readonly string[] {
  const { scene, frame } = ground
  return scene.nodes.flatMap((node, index) => {
    if (!isDrawn(ground, index)) return []
    const { x, y } = pointOf(scene, frame, index)
    return contains(polygon, x, y) ? [node.id] : []
  })
}

export function contains(polygon: readonly { readonly x: number; readonly y: number }[], x: number, y: number): boolean {
  let inside = false
  polygon.forEach((a, index) => {
    const b = polygon[(index + polygon.length - 1) % polygon.length] ?? a
    if (a.y > y !== b.y > y && x < ((b.x - a.x) * (y - a.y)) / (b.y - a.y) + a.x) inside = !inside
  })
  return inside
}
