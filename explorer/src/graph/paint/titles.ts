/** Titles of boxes with what the lens says of them, and names and values under near marks. */
import { cornerOf, titleSize } from '../lod'
import type { Scene, SceneBox } from '../scene'
import { type Measure, fitted } from '../shorten'
import { barOf, isBar } from './boxes'
import { groundAt } from './marks'
import { type PixelRect, type Stage, isDrawn, isInView, pointOf, radiusOf, rectOf } from '../stage'

const STICKY = 12
const RIGHT = 8
const BEFORE_VALUE = 8
const FADED_TITLE = 0.5
const FADED_OUTER = 0.8
const FADED_NAME = 0.34
const NAME_SIZE = 11
const TITLE_WEIGHT = 600
const DEEP_WEIGHT = 500
const VALUE_WEIGHT = 560
const LEAST_NAME = 14
const CHIP_ROOM = 2
const RIM = 2

/** Where titles stand, so that names of lines keep away from them. */
export type Taken = PixelRect[]

export function paintTitles(stage: Stage, taken: Taken): void {
  const { scene, state, frame, detail } = stage
  for (const index of scene.order) {
    const box = scene.boxes[index]
    if (!box || box.depth > detail.depth || state.boxShown[index] !== 1) continue
    const rect = rectOf(box, frame)
    if (isInView(rect, frame)) paintTitle(stage, box, index, rect, taken)
  }
}

function paintTitle(stage: Stage, box: SceneBox, index: number, rect: PixelRect, taken: Taken): void {
  const { pen, scene, state, frame, tokens } = stage
  const size = titleSize(box.depth, box.head * frame.u, rect.w)
  if (size === undefined) {
    paintBarTitle(stage, box, index, rect)
    return
  }
  const tile = state.tiles[index]
  const weight = box.depth > 2 ? DEEP_WEIGHT : TITLE_WEIGHT
  const measure = stage.widths(weight)
  const alpha = state.boxBright[index] === 1 ? 1 : box.depth > 2 && tile === undefined ? FADED_TITLE : FADED_OUTER
  const colour = tile === undefined ? tokens.text : tokens.rampText
  const chip = box.node < 0 ? 0 : pointOf(scene, frame, box.node).x - rect.x + radiusOf(scene, frame, box.node)
  const left = Math.max(rect.x + chip + 4 + size * 0.14, Math.max(STICKY, Math.min(STICKY, rect.x + rect.w)))
  const middle = rect.y + (box.head * frame.u) / 2 + 0.5
  let right = Math.min(rect.x + box.titleWidth * frame.u, rect.x + rect.w - Math.min(RIGHT, cornerOf(box.depth)), frame.w)
  const value = state.looks.lens?.get(box.id)
  if (value) {
    const wide = stage.widths(VALUE_WEIGHT)(value.text) * size
    if (right - wide > left - 2) {
      if (state.near.length > 0 && alpha === 1) paintGround(stage, box, rect, { x: right - wide - 3, y: middle - size * 0.7, w: wide + 6, h: size * 1.4 }, tile)
      pen.text(value.text, right, middle, { size, weight: VALUE_WEIGHT, colour, align: 'right', ...(alpha < 1 ? { alpha } : {}) })
      right -= wide + BEFORE_VALUE
    }
  }
  if (box.collapsed && box.count > 0) right -= paintCount(stage, box, right, middle, alpha)
  const most = (right - left) / size
  const text = cutTo(stage, index, box, most, measure)
  if (text === '') return
  const place = { x: left - 2, y: middle - size * 0.7, w: measure(text) * size + 4, h: size * 1.4 }
  // Lines of the selection run beneath the titles: some ground keeps the letters free of them.
  if (state.near.length > 0 && alpha === 1) paintGround(stage, box, rect, place, tile)
  pen.text(text, left, middle, { size, weight, colour, ...(alpha < 1 ? { alpha } : {}) })
  taken.push(place)
}

/** The ground of a title, within the lines of its bar. */
function paintGround({ pen, frame, tokens }: Stage, box: SceneBox, rect: PixelRect, place: PixelRect, tile: string | undefined): void {
  const top = Math.max(place.y, rect.y + RIM)
  const bottom = Math.min(place.y + place.h, rect.y + Math.min(box.head * frame.u, rect.h - RIM))
  if (bottom > top) pen.box(place.x, top, place.w, bottom - top, 0, { fill: tile ?? groundAt(box.depth, tokens) })
}

interface Cut { readonly most: number; readonly measure: Measure; readonly text: string }

/** While one pans, titles have the room that they had: they are cut once. */
const cuts = new WeakMap<Scene, Map<number, Cut>>()

function cutTo({ scene }: Stage, index: number, box: SceneBox, most: number, measure: Measure): string {
  let known = cuts.get(scene)
  if (!known) cuts.set(scene, known = new Map())
  const last = known.get(index)
  if (last && last.measure === measure && Math.abs(last.most - most) < 1e-6) return last.text
  const text = measure(box.title) <= most ? box.title : fitted(box.short, most, measure)
  known.set(index, { most, measure, text })
  return text
}

/** How many a shut box holds. Returns the width that it takes. */
function paintCount({ pen, tokens, widths }: Stage, box: SceneBox, right: number, middle: number, alpha: number): number {
  const text = box.count.toLocaleString()
  pen.text(text, right, middle, { size: NAME_SIZE, weight: 400, colour: tokens.text3, align: 'right', ...(alpha < 1 ? { alpha } : {}) })
  return widths(400)(text) * NAME_SIZE + BEFORE_VALUE
}

/** Far away the head is too low for letters, but above a bar there is room. */
function paintBarTitle(stage: Stage, box: SceneBox, index: number, rect: PixelRect): void {
  const { pen, state, frame, tokens, detail } = stage
  if (!isBar(box, detail, state.looks.lens !== undefined)) return
  const { left, wide, title } = barOf(box, rect, frame)
  if (title === undefined) return
  const text = cutTo(stage, index, box, (wide - CHIP_ROOM) / NAME_SIZE, stage.widths(DEEP_WEIGHT))
  if (text !== '') pen.text(text, left + CHIP_ROOM, title, { size: NAME_SIZE, weight: DEEP_WEIGHT, colour: tokens.text2, ...(state.boxBright[index] === 1 ? {} : { alpha: FADED_TITLE }) })
}

/** Names under marks, and what they say now. */
export function paintNames(stage: Stage): void {
  const { pen, scene, state, frame, detail, tokens } = stage
  if (!detail.names) return
  const measure = stage.widths(400)
  for (let node = 0; node < scene.nodes.length; node += 1) {
    if ((scene.own[node] ?? -1) >= 0 || !isDrawn(stage, node)) continue
    const { x, y } = pointOf(scene, frame, node)
    const room = Math.min(180, (scene.room[node] ?? 1) * frame.u - 8)
    if (x < -room || x > frame.w + room || y < -40 || y > frame.h + 40 || room < LEAST_NAME) continue
    const alpha = state.bright[node] === 1 ? {} : { alpha: FADED_NAME }
    const under = y + radiusOf(scene, frame, node) + 10
    const inTile = state.tiles[scene.home[node] ?? -1] !== undefined
    const name = fitted(scene.names[node] ?? '', room / NAME_SIZE, measure)
    if (name !== '') pen.text(name, x, under, { size: NAME_SIZE, weight: 400, colour: inTile ? tokens.rampText : tokens.text2, align: 'center', ...alpha })
    const id = scene.nodes[node]?.id ?? ''
    const value = detail.values && scene.inHead[node] !== 1 ? state.looks.lens?.get(id) ?? state.looks.values.get(id) : undefined
    if (!value) continue
    const shown = fitted(value.text, room / NAME_SIZE, stage.widths(VALUE_WEIGHT))
    pen.text(shown, x, under + 14, { size: NAME_SIZE, weight: VALUE_WEIGHT, colour: inTile ? tokens.rampText : tokens.text, align: 'center', ...alpha })
  }
}
