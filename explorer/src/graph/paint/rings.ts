/** What lies above marks: selection, hits, changes, pins, drafts, differences, and what the pointer is at. */
import { cornerOf } from '../lod'
import { drawMark } from '../pen'
import { type Stage, isDrawn, pointOf, radiusOf, rectOf } from '../stage'
import { paintLine } from './lines'
import { groundOf } from './marks'

const PULSE_MS = 1400
const STEADY_MS = 600
const PULSE_REACH = 6
const GHOST_MS = 2000
const MOST_STEPS = 32
const HANDLE_RADIUS = 5.5
const HANDLE_AWAY = 9

export interface Pulse { readonly id: string; readonly begun: number }
/** A twin that is no more, where it was. */
export interface Ghost { readonly x: number; readonly y: number; readonly look: { readonly shape: 'circle' | 'square' | 'triangle' | 'diamond'; readonly slot: number }; readonly begun: number }

export interface Hand {
  readonly hovered: string | undefined
  /** Key of the line that the pointer is at. */
  readonly edge: string | undefined
  readonly handle: boolean
  /** A line that is being drawn, in pixels. */
  readonly line: { readonly from: string; readonly x: number; readonly y: number; readonly over: string | undefined } | undefined
  readonly lasso: readonly { readonly x: number; readonly y: number }[]
  readonly targets: ReadonlySet<string> | undefined
}

export function isOver(pulse: { readonly begun: number }, now: number, still: boolean): boolean { return now - pulse.begun > (still ? STEADY_MS : PULSE_MS) }
export function isGone(ghost: Ghost, now: number): boolean { return now - ghost.begun > GHOST_MS }

export function paintRings(stage: Stage): void {
  const { pen, scene, state, frame, tokens } = stage
  const { looks } = state
  const at = (id: string, paint: (x: number, y: number, radius: number, node: number) => void): void => {
    const node = scene.indexOf.get(id)
    if (node === undefined || !isDrawn(stage, node)) return
    const { x, y } = pointOf(scene, frame, node)
    if (x > -20 && y > -20 && x < frame.w + 20 && y < frame.h + 20) paint(x, y, radiusOf(scene, frame, node), node)
  }
  scene.nodes.forEach((node) => { if (node.orphan) at(node.id, (x, y, r) => { pen.circle(x, y, r + 2.5, { stroke: tokens.text3, width: 1, dash: [3, 2] }) }) })
  for (const id of looks.drafts) at(id, (x, y, r) => { pen.circle(x, y, r + 3, { stroke: tokens.accent, width: 2, dash: [2, 2.5] }) })
  for (const id of looks.hits) at(id, (x, y, r) => { pen.circle(x, y, r + 4, { stroke: tokens.pulse, width: 3 }) })
  for (const id of looks.pinned) at(id, (x, y, r) => { pen.circle(x + r * 0.8 + 1, y - r * 0.8 - 1, 2.2, { fill: tokens.text, stroke: tokens.canvas, width: 1 }) })
  paintDifferences(stage, at)
  paintSelection(stage, at)
}

type At = (id: string, paint: (x: number, y: number, radius: number, node: number) => void) => void

function paintDifferences({ pen, state, tokens }: Stage, at: At): void {
  state.looks.differences.forEach((kind, id) => {
    // The ring of the selection lies inside it.
    const away = state.looks.selected.has(id) ? 7 : 3.5
    at(id, (x, y, r) => {
      if (kind === 'added') {
        const [cx, cy] = [x + r + 3, y - r - 1]
        pen.circle(cx, cy, 5, { fill: tokens.ok, stroke: tokens.canvas, width: 1.5 })
        pen.path([{ to: 'move', x: cx - 2.5, y: cy }, { to: 'line', x: cx + 2.5, y: cy }, { to: 'move', x: cx, y: cy - 2.5 }, { to: 'line', x: cx, y: cy + 2.5 }], { stroke: tokens.canvas, width: 1.5 })
      } else if (kind === 'removed') {
        pen.circle(x, y, r + away, { stroke: tokens.danger, width: 2 })
        pen.path([{ to: 'move', x: x - r - 3, y: y + r + 3 }, { to: 'line', x: x + r + 3, y: y - r - 3 }], { stroke: tokens.danger, width: 1.5 })
      } else pen.circle(x, y, r + away, { stroke: tokens.warn, width: 2 })
    })
  })
}

function paintSelection(stage: Stage, at: At): void {
  const { pen, scene, state, frame, tokens, detail } = stage
  for (const id of state.looks.selected) {
    const own = scene.own[scene.indexOf.get(id) ?? -1] ?? -1
    const box = scene.boxes[own]
    if (box && box.depth <= detail.depth && state.boxShown[own] === 1) {
      const rect = rectOf(box, frame)
      pen.box(rect.x, rect.y, rect.w, rect.h, Math.min(cornerOf(box.depth), rect.h / 3), { stroke: tokens.select, width: 2 })
    } else at(id, (x, y, r) => { pen.circle(x, y, r + 3.5, { stroke: tokens.select, width: 2 }) })
  }
}

/** The mark that stands for a twin: its own, or that of the nearest box that is not a bar. */
export function drawnFor(stage: Pick<Stage, 'scene' | 'state' | 'detail'>, node: number): number {
  const { parent } = stage.scene.picture.layout
  let found = node
  for (let steps = 0; found >= 0 && !isDrawn(stage, found); steps += 1) found = steps < MOST_STEPS ? parent[found] ?? -1 : -1
  return found
}

/** Rings that grow and fade where something changed; steady ones where nothing may move. */
export function paintPulses(stage: Stage, pulses: readonly Pulse[], now: number, still: boolean): void {
  const { pen, scene, frame, tokens } = stage
  const rung = new Set<number>()
  for (const pulse of pulses.toReversed()) {
    const node = drawnFor(stage, scene.indexOf.get(pulse.id) ?? -1)
    if (node < 0 || rung.has(node)) continue
    rung.add(node)
    const { x, y } = pointOf(scene, frame, node)
    const share = Math.min(1, (now - pulse.begun) / PULSE_MS)
    const reach = still ? 3 : 1 + PULSE_REACH * (1 - (1 - share) ** 3)
    pen.circle(x, y, radiusOf(scene, frame, node) + reach, { stroke: tokens.pulse, width: still ? 1.5 : 2 - share, alpha: still ? 1 : 1 - share })
  }
}

export function paintGhosts({ pen, frame, tokens }: Stage, ghosts: readonly Ghost[], now: number): void {
  for (const ghost of ghosts) {
    const alpha = Math.max(0, 1 - (now - ghost.begun) / GHOST_MS)
    drawMark(pen, ghost.look.shape, false, ghost.x * frame.u + frame.left, ghost.y * frame.u + frame.top, 5, { stroke: tokens.families[ghost.look.slot] ?? tokens.text3, width: 1.5, alpha }, tokens.canvas)
  }
}

/** Where the handle of a mark is, from which a line can be drawn. */
export function handleOf({ scene, frame }: Pick<Stage, 'scene' | 'frame'>, node: number): { readonly x: number; readonly y: number } {
  const { x, y } = pointOf(scene, frame, node)
  const away = radiusOf(scene, frame, node) + HANDLE_AWAY
  return { x: x + away * 0.8, y: y - away * 0.8 }
}

export function isOnHandle(stage: Pick<Stage, 'scene' | 'frame'>, node: number, px: number, py: number): boolean {
  const { x, y } = handleOf(stage, node)
  return Math.hypot(px - x, py - y) <= HANDLE_RADIUS + 3
}

export function paintHand(stage: Stage, hand: Hand): void {
  const { pen, scene, state, frame, tokens } = stage
  for (const id of hand.targets ?? []) {
    const node = scene.indexOf.get(id)
    if (node === undefined || !isDrawn(stage, node)) continue
    const { x, y } = pointOf(scene, frame, node)
    pen.circle(x, y, radiusOf(scene, frame, node) + 3, { stroke: tokens.accent, width: 1.5, alpha: id === hand.line?.over ? 1 : 0.7 })
  }
  const hovered = scene.indexOf.get(hand.hovered ?? '')
  if (hovered !== undefined && isDrawn(stage, hovered)) {
    const { x, y } = pointOf(scene, frame, hovered)
    const look = scene.nodes[hovered]?.look
    if (look) drawMark(pen, look.shape, look.hole, x, y, radiusOf(scene, frame, hovered) + 2, { fill: state.colours[hovered] ?? tokens.text3 }, groundOf(stage, hovered))
    if (hand.handle && !hand.line) paintHandle(stage, handleOf(stage, hovered))
  }
  const edge = scene.edgeIndexOf.get(hand.edge ?? '')
  if (edge !== undefined) paintLine(stage, edge, 1)
  if (hand.line) paintDrawnLine(stage, hand.line)
  const [first, ...rest] = hand.lasso
  if (first && rest.length > 0) {
    const steps = [{ to: 'move' as const, ...first }, ...rest.map((point) => ({ to: 'line' as const, ...point })), { to: 'close' as const }]
    pen.path(steps, { fill: tokens.accent, alpha: 0.08 })
    pen.path(steps, { stroke: tokens.accent, width: 1.5, dash: [4, 3] })
  }
}

function paintHandle({ pen, tokens }: Stage, { x, y }: { readonly x: number; readonly y: number }): void {
  pen.circle(x, y, HANDLE_RADIUS, { fill: tokens.surface, stroke: tokens.accent, width: 1.5 })
  pen.path([{ to: 'move', x: x - 2.5, y }, { to: 'line', x: x + 2.5, y }, { to: 'move', x, y: y - 2.5 }, { to: 'line', x, y: y + 2.5 }], { stroke: tokens.accent, width: 1.5 })
}

function paintDrawnLine(stage: Stage, line: NonNullable<Hand['line']>): void {
  const { pen, scene, frame, tokens } = stage
  const from = scene.indexOf.get(line.from)
  if (from === undefined) return
  const begin = pointOf(scene, frame, from)
  const over = scene.indexOf.get(line.over ?? '')
  const end = over === undefined ? line : pointOf(scene, frame, over)
  const refused = over !== undefined && line.over !== undefined
  pen.path([{ to: 'move', x: begin.x, y: begin.y }, { to: 'line', x: end.x, y: end.y }], { stroke: tokens.accent, width: 2, ...(refused ? {} : { dash: [5, 4] }) })
  if (over !== undefined) pen.circle(end.x, end.y, radiusOf(scene, frame, over) + 4, { stroke: tokens.accent, width: 2 })
  else pen.circle(end.x, end.y, 3, { fill: tokens.accent })
}
