/** Marks by a pen: before WebGL has started, and in pictures that are kept. */
import { drawMark } from '../pen'
import { FADED_MARK } from '../state'
import type { Tokens } from '../tokens'
import { type Stage, isDrawn, pointOf, radiusOf } from '../stage'

export function paintMarks(stage: Stage): void {
  const { pen, scene, state, frame, tokens } = stage
  scene.nodes.forEach((node, index) => {
    if (!isDrawn(stage, index)) return
    const { x, y } = pointOf(scene, frame, index)
    if (x < -20 || y < -20 || x > frame.w + 20 || y > frame.h + 20) return
    const colour = state.colours[index] ?? tokens.text3
    const alpha = state.bright[index] === 1 ? {} : { alpha: FADED_MARK }
    drawMark(pen, node.look.shape, node.look.hole, x, y, radiusOf(scene, frame, index), { fill: colour, ...alpha }, groundOf(stage, index))
  })
}

/** Ground of boxes at a depth. */
export function groundAt(depth: number, tokens: Tokens): string { return tokens.boxes[depth > 2 ? 3 : depth === 2 ? 2 : depth === 1 ? 1 : 0] }

/** What lies behind a mark. */
export function groundOf({ scene, state, tokens }: Pick<Stage, 'scene' | 'state' | 'tokens'>, node: number): string {
  const own = scene.own[node] ?? -1
  const index = own >= 0 ? own : scene.home[node] ?? -1
  const box = scene.boxes[index]
  if (!box) return tokens.canvas
  return state.tiles[index] ?? groundAt(box.depth, tokens)
}
