/** Boxes, their lens colours, and the bars that stand for what is too small or shut. */
import { mix } from '../colours'
import type { Frame } from '../camera'
import { type Detail, FAR_DEPTH, cornerOf, titleSize } from '../lod'
import type { SceneBox } from '../scene'
import { groundAt } from './marks'
import { FADED_BOX, FADED_TILE, tileOf } from '../state'
import { type PixelRect, type Stage, isDrawn, isInView, pointOf, radiusOf, rectOf } from '../stage'

const LINE_INTO_TILE = 0.16
const BAR_INSET = 7
const TITLE_ROOM = 18
const LEAST_TITLED = 40
const LEAST_BAR = 2
const MOST_BAR = 8

export function paintBoxes(stage: Stage): void {
  const { scene, state, frame, detail } = stage
  for (const index of scene.order) {
    const box = scene.boxes[index]
    if (!box || state.boxShown[index] !== 1) continue
    const rect = rectOf(box, frame)
    if (!isInView(rect, frame)) continue
    if (box.depth <= detail.depth) paintBox(stage, box, index, rect)
    else if (state.tiles[index] !== undefined) paintTile(stage, index, rect)
  }
  if (state.looks.lens) paintLeafTiles(stage)
}

function paintBox(stage: Stage, box: SceneBox, index: number, rect: PixelRect): void {
  const { pen, state, tokens, detail } = stage
  const tile = state.tiles[index]
  const fill = tile ?? groundAt(box.depth, tokens)
  const line = box.depth > 2 ? tokens.deepLine : tokens.outerLine
  const dim = box.depth > 2 && state.boxBright[index] !== 1
  const radius = Math.min(cornerOf(box.depth), rect.h / 3)
  const stroke = isRemoved(stage, box) ? tokens.danger : tile === undefined || tokens.plain ? line : mix(tile, tokens.text, LINE_INTO_TILE)
  pen.box(rect.x, rect.y, rect.w, rect.h, radius, {
    fill, width: 1, ...(rect.w > 3 ? { stroke } : {}), ...(dim ? { alpha: tile === undefined ? FADED_BOX : FADED_TILE } : {}), ...(orphan(stage, box) || isRemoved(stage, box) ? { dash: [4, 3] } : {}),
  })
  if (isBar(box, detail, state.looks.lens !== undefined)) paintBar(stage, box, rect, dim)
}

function isRemoved({ state }: Stage, box: SceneBox): boolean { return state.looks.differences.get(box.id) === 'removed' }

function orphan({ scene }: Stage, box: SceneBox): boolean { return scene.nodes[box.node]?.orphan === true }

function paintTile({ pen, state }: Stage, index: number, rect: PixelRect): void {
  const fill = state.tiles[index]
  if (fill !== undefined) pen.box(rect.x, rect.y, rect.w - 0.5, rect.h - 0.5, 0, { fill, ...(state.boxBright[index] === 1 ? {} : { alpha: FADED_TILE }) })
}

export interface Bar { readonly left: number; readonly top: number; readonly wide: number; readonly high: number; readonly title: number | undefined }

/** Where the bar of a box lies; where its head is too low for a title, that stands above the bar. */
export function barOf(box: SceneBox, rect: PixelRect, frame: Frame): Bar {
  const pad = Math.max(2, Math.min(BAR_INSET, rect.w / 8))
  const head = titleSize(box.depth, box.head * frame.u, rect.w) === undefined ? 0 : box.head * frame.u
  const free = rect.h - head
  const titled = head === 0 && rect.w >= LEAST_TITLED && free >= 2 * TITLE_ROOM
  const room = titled ? free - TITLE_ROOM : free
  const high = Math.max(LEAST_BAR, Math.min(MOST_BAR, room * 0.4))
  const top = rect.y + head + (titled ? TITLE_ROOM : 0) + Math.max(0, Math.min((room - high) / 2, titled ? BAR_INSET : Infinity))
  return { left: rect.x + pad, top, wide: rect.w - 2 * pad, high, title: titled ? rect.y + TITLE_ROOM * 0.62 : undefined }
}

/** Whether a bar stands for what is in a box. */
export function isBar(box: SceneBox, detail: Detail, hasLens: boolean): boolean {
  return box.count > 0 && (box.collapsed || (detail.depth === FAR_DEPTH && box.depth === FAR_DEPTH && !hasLens))
}

/** Shares of the families in what a box holds. */
function paintBar(stage: Stage, box: SceneBox, rect: PixelRect, dim: boolean): void {
  const { pen, tokens } = stage
  const { left: from, top, wide, high } = barOf(box, rect, stage.frame)
  const total = box.shares.reduce((sum, [, count]) => sum + count, 0)
  let left = from
  for (const [slot, count] of box.shares) {
    const part = (wide * count) / Math.max(1, total)
    pen.box(left, top, Math.max(0.5, part - (part > 4 ? 1 : 0)), high, Math.min(2, high / 2), { fill: tokens.families[slot] ?? tokens.text3, alpha: dim ? 0.3 : 0.8 })
    left += part
  }
}

/** A leaf with a value lies on a tile of its own. */
function paintLeafTiles(stage: Stage): void {
  const { pen, scene, state, frame, tokens } = stage
  state.looks.lens?.forEach((value, id) => {
    const node = scene.indexOf.get(id)
    if (node === undefined || (scene.own[node] ?? -1) >= 0 || !isDrawn(stage, node)) return
    const fill = tileOf(value, tokens)
    if (fill === undefined) return
    const { x, y } = pointOf(scene, frame, node)
    const half = radiusOf(scene, frame, node) + 3
    pen.box(x - half, y - half, 2 * half, 2 * half, 4, { fill, width: 1, stroke: mix(fill, tokens.text, LINE_INTO_TILE), ...(state.bright[node] === 1 ? {} : { alpha: FADED_BOX }) })
  })
}
