/** Lanes beside stacked boxes: one for all lines of a name from one of them (design 3.7). */
import type { Frame } from '../camera'
import type { Lane } from '@/layout/types'
import type { Step } from '../pen'
import type { Scene } from '../scene'
import type { Stage } from '../stage'

const CORNER = 5
const DOT = 2.4
const ARROW = 5
const WIDTH = 1.6
const QUIET = 0.85
const FADED = 0.3

export interface LanePath {
  readonly trunk: readonly Step[]
  readonly dot: { readonly x: number; readonly y: number }
  readonly stops: readonly { readonly x: number; readonly y: number; readonly branch: readonly Step[] }[]
}

interface Point { readonly x: number; readonly y: number }

/** The way of a lane in pixels: out of the source, along the trunk, with a round corner where it ends; branches between. */
export function lanePath(trunkX: number, from: Point, stops: readonly Point[]): LanePath {
  const above = stops.filter((stop) => stop.y < from.y).sort((a, b) => a.y - b.y)
  const below = stops.filter((stop) => stop.y >= from.y).sort((a, b) => b.y - a.y)
  const trunk: Step[] = []
  for (const side of [above, below]) {
    const last = side[0]
    if (!last) continue
    const radius = Math.max(0, Math.min(CORNER, Math.abs(last.y - from.y) / 2, Math.abs(from.x - trunkX), Math.abs(last.x - trunkX)))
    trunk.push(
      { to: 'move', x: from.x, y: from.y }, { to: 'corner', x: trunkX, y: from.y, nextX: trunkX, nextY: last.y, radius },
      { to: 'corner', x: trunkX, y: last.y, nextX: last.x, nextY: last.y, radius }, { to: 'line', x: last.x - ARROW + 1, y: last.y },
    )
  }
  const ends = new Set([above[0], below[0]])
  return {
    trunk, dot: from,
    stops: stops.map((stop) => ({
      ...stop, branch: ends.has(stop) ? [] : [{ to: 'move', x: trunkX, y: stop.y }, { to: 'line', x: stop.x - ARROW + 1, y: stop.y }],
    })),
  }
}

function arrow(x: number, y: number): readonly Step[] {
  return [{ to: 'move', x, y }, { to: 'line', x: x - ARROW, y: y - ARROW * 0.6 }, { to: 'line', x: x - ARROW, y: y + ARROW * 0.6 }, { to: 'close' }]
}

/** The path of a lane as it stands on the screen; undefined where its boxes are not there. */
export function laneOn(scene: Scene, lane: Lane, frame: Frame): LanePath | undefined {
  const point = (id: string, y: number): Point | undefined => {
    const box = scene.boxes[scene.own[scene.indexOf.get(id) ?? -1] ?? -1]
    return box && { x: box.x * frame.u + frame.left, y: y * frame.u + frame.top }
  }
  const from = point(lane.from.id, lane.from.y)
  if (!from) return undefined
  const stops = lane.stops.flatMap((stop) => point(stop.id, stop.y) ?? [])
  return stops.length > 0 ? lanePath(lane.x * frame.u + frame.left, from, stops) : undefined
}

export function laneColour({ scene, tokens }: Pick<Stage, 'scene' | 'tokens'>, lane: Lane): string {
  const source = scene.from[lane.edges[0] ?? -1] ?? -1
  return tokens.families[scene.nodes[source]?.look.slot ?? 0] ?? tokens.text3
}

export function isLaneShown({ state }: Pick<Stage, 'state'>, lane: Lane): boolean {
  return lane.edges.some((edge) => state.edgeShown[edge] === 1)
}

export function paintLanes(stage: Stage, hovered: number | undefined): void {
  const { pen, scene, state, frame, detail } = stage
  if (detail.lines) return
  const near = new Set(state.near)
  scene.lanes.forEach((lane, index) => {
    if (!isLaneShown(stage, lane)) return
    const path = laneOn(scene, lane, frame)
    if (!path) return
    const colour = laneColour(stage, lane)
    const alpha = hovered === index ? 1 : state.fading && !lane.edges.some((edge) => near.has(edge)) ? FADED : QUIET
    const ink = { stroke: colour, width: hovered === index ? WIDTH + 1 : WIDTH, alpha }
    pen.path(path.trunk, ink)
    pen.circle(path.dot.x, path.dot.y, DOT, { fill: colour, alpha })
    for (const stop of path.stops) {
      if (stop.branch.length > 0) pen.path(stop.branch, ink)
      pen.path(arrow(stop.x + 1, stop.y), { fill: colour, alpha })
    }
  })
}
