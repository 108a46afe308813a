/** Lines between marks: those of the selection, with their names, and all others where no WebGL draws them. */
import { FADED_LINE, isLine } from '../state'
import { type Stage, isDrawn, pointOf, radiusOf } from '../stage'
import type { Step } from '../pen'
import type { Tokens } from '../tokens'
import type { Difference } from '../types'
import type { Taken } from './titles'

const NEAR_WIDTH = 1.8
const ARROW = 7
const NAME_AT = 2 / 3
const NAME_ROOM = 24
const NAME_SIZE = 11
const MOST_NAMED = 100
export const LINE_WIDTH = 1.1
export const SYMMETRIC_WIDTH = 0.8
export const LINE_ALPHA = 0.42
export const SYMMETRIC_ALPHA = 0.16

export interface Drawn { readonly x1: number; readonly y1: number; readonly x2: number; readonly y2: number; readonly length: number }

/** A line from the rim of one mark to that of another; undefined where there is nothing between them. */
export function lineOn({ scene, frame }: Pick<Stage, 'scene' | 'frame'>, edge: number): Drawn | undefined {
  const from = scene.from[edge] ?? -1
  const to = scene.to[edge] ?? -1
  if (from < 0 || to < 0 || from === to) return undefined
  const a = pointOf(scene, frame, from)
  const b = pointOf(scene, frame, to)
  const whole = Math.hypot(b.x - a.x, b.y - a.y)
  const begin = radiusOf(scene, frame, from) + 1
  const end = radiusOf(scene, frame, to) + 2
  const length = whole - begin - end
  if (length <= 1) return undefined
  const [dx, dy] = [(b.x - a.x) / whole, (b.y - a.y) / whole]
  return { x1: a.x + dx * begin, y1: a.y + dy * begin, x2: b.x - dx * end, y2: b.y - dy * end, length }
}

function head(line: Drawn, size: number): readonly Step[] {
  const [dx, dy] = [(line.x2 - line.x1) / line.length, (line.y2 - line.y1) / line.length]
  const [x, y] = [line.x2 - dx * size, line.y2 - dy * size]
  return [{ to: 'move', x: line.x2, y: line.y2 }, { to: 'line', x: x - dy * size * 0.4, y: y + dx * size * 0.4 }, { to: 'line', x: x + dy * size * 0.4, y: y - dx * size * 0.4 }, { to: 'close' }]
}

/** The colour of its source's family; of a line that differs from another instant, what it says. */
export function lineColour({ scene, state, tokens }: Pick<Stage, 'scene' | 'state' | 'tokens'>, edge: number): string {
  const difference = state.looks.differences.get(scene.edges[edge]?.key ?? '')
  if (difference) return differenceColour(difference, tokens)
  return tokens.families[scene.nodes[scene.from[edge] ?? -1]?.look.slot ?? 0] ?? tokens.text3
}

export function differenceColour(difference: Difference, tokens: Tokens): string { return difference === 'added' ? tokens.ok : difference === 'removed' ? tokens.danger : tokens.warn }

/** Whether one is near enough to read what lines say. */
function isClose({ detail, scene }: Stage): boolean { return detail.names || detail.lines || !scene.nested }

/** Lines that selection asks for. Far away they are thinner, as marks are smaller, and those that nesting says would only cover the tile. */
export function paintNear(stage: Stage): void {
  const { state, scene } = stage
  const close = isClose(stage)
  const size = close ? 1 : 0.7
  for (const edge of state.near) {
    if (close || scene.picture.layout.implied[edge] !== 1) paintLine(stage, edge, size)
  }
}

/** One line in full, with its head. */
export function paintLine(stage: Stage, edge: number, size: number): void {
  const { pen, scene } = stage
  const line = lineOn(stage, edge)
  if (!line || !areEndsDrawn(stage, edge)) return
  const colour = lineColour(stage, edge)
  const arrow = scene.edges[edge]?.symmetric === true ? 0 : Math.min(ARROW * size, line.length / 2)
  const [dx, dy] = [(line.x2 - line.x1) / line.length, (line.y2 - line.y1) / line.length]
  pen.path([{ to: 'move', x: line.x1, y: line.y1 }, { to: 'line', x: line.x2 - dx * arrow * 0.8, y: line.y2 - dy * arrow * 0.8 }], { stroke: colour, width: NEAR_WIDTH * size })
  if (arrow > 2) pen.path(head(line, arrow), { fill: colour })
}

function areEndsDrawn(stage: Stage, edge: number): boolean {
  return isDrawn(stage, stage.scene.from[edge] ?? -1) && isDrawn(stage, stage.scene.to[edge] ?? -1)
}

/** Names of the selection's lines, where there is room for them. */
export function paintLineNames(stage: Stage, taken: Taken): void {
  const { pen, scene, state, frame, tokens } = stage
  if (!isClose(stage)) return
  const measure = stage.widths(500)
  const marks = state.near.length > 0 ? marksInView(stage) : []
  for (const edge of state.near.slice(0, MOST_NAMED)) {
    const name = scene.edges[edge]?.name ?? ''
    const line = lineOn(stage, edge)
    const wide = measure(name) * NAME_SIZE
    if (!line || line.length < wide + NAME_ROOM || isInside(stage, edge) || !areEndsDrawn(stage, edge)) continue
    const forward = state.looks.selected.has(scene.edges[edge]?.source ?? '') ? NAME_AT : 1 - NAME_AT
    const x = line.x1 + (line.x2 - line.x1) * forward
    const y = line.y1 + (line.y2 - line.y1) * forward
    const place = { x: x - wide / 2 - 4, y: y - 8, w: wide + 8, h: 16 }
    if (x < 0 || y < 0 || x > frame.w || y > frame.h) continue
    if (taken.some((each) => each.x < place.x + place.w && place.x < each.x + each.w && each.y < place.y + place.h && place.y < each.y + each.h)) continue
    if (marks.some((each) => each.x > place.x - 4 && each.x < place.x + place.w + 4 && each.y > place.y - 4 && each.y < place.y + place.h + 4)) continue
    taken.push(place)
    pen.box(place.x, place.y, place.w, place.h, 4, { fill: tokens.canvas, alpha: 0.92 })
    pen.text(name, x, y + 0.5, { size: NAME_SIZE, weight: 500, colour: tokens.text2, align: 'center' })
  }
}

function marksInView(stage: Stage): readonly { readonly x: number; readonly y: number }[] {
  const { scene, frame } = stage
  return scene.nodes.flatMap((_, node) => {
    if (!isDrawn(stage, node)) return []
    const point = pointOf(scene, frame, node)
    return point.x > 0 && point.y > 0 && point.x < frame.w && point.y < frame.h ? [point] : []
  })
}

/** Both ends lie in one box of leaves: the line is short, and what it says is said by the box. */
function isInside({ scene }: Stage, edge: number): boolean {
  const place = (node: number): number => {
    const own = scene.own[node] ?? -1
    return own >= 0 && scene.boxes[own]?.leaf === true ? own : scene.home[node] ?? -1
  }
  const from = place(scene.from[edge] ?? -1)
  return from >= 0 && scene.boxes[from]?.leaf === true && from === place(scene.to[edge] ?? -1)
}

/** All other lines, for pictures that WebGL has no part in. */
export function paintLines(stage: Stage): void {
  const { pen, scene, state, detail } = stage
  scene.edges.forEach((each, edge) => {
    if (state.edgeShown[edge] !== 1 || !isLine(scene, edge, detail.lines) || !areEndsDrawn(stage, edge)) return
    const line = lineOn(stage, edge)
    if (!line) return
    const bright = state.bright[scene.from[edge] ?? -1] === 1 && state.bright[scene.to[edge] ?? -1] === 1
    pen.path([{ to: 'move', x: line.x1, y: line.y1 }, { to: 'line', x: line.x2, y: line.y2 }], {
      stroke: lineColour(stage, edge), width: each.symmetric ? SYMMETRIC_WIDTH : LINE_WIDTH,
      alpha: bright ? each.symmetric ? SYMMETRIC_ALPHA : LINE_ALPHA : FADED_LINE,
    })
  })
}
