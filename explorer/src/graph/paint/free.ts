/** Names beside marks where there are no boxes: what holds most first, and none over another or over a mark. */
import { edgesAt } from '../scene'
import { fitted } from '../shorten'
import { type Stage, isDrawn, pointOf, radiusOf } from '../stage'
import type { Taken } from './titles'

const SIZE = 11
const HUB_SIZE = 12
const HUB_FROM = 3
/** Lines shine through a little, but not those of the selection. */
const GROUND = 0.75
const FIRM_GROUND = 0.95
const GAP = 5
const MOST_WIDE = 170
/** Beyond these no more names would be read. */
const MOST_NAMES = 260
const MOST_TRIES = 1400
const CELL_X = 48
const CELL_Y = 16
const FADED_NAME = 0.34
const VALUE_WEIGHT = 560
const FEW = 120
const NEARER = 1.5
const MANY_LINES = 5

interface Rect { readonly x: number; readonly y: number; readonly w: number; readonly h: number }

/** Rectangles by cell of the screen, to ask whether one more would lie over them. */
export class Occupied {
  readonly #cells = new Map<number, Rect[]>()

  add(rect: Rect): void {
    for (const key of this.#keys(rect)) {
      const cell = this.#cells.get(key)
      if (cell) cell.push(rect)
      else this.#cells.set(key, [rect])
    }
  }

  isFree(rect: Rect): boolean {
    for (const key of this.#keys(rect)) {
      for (const other of this.#cells.get(key) ?? []) {
        if (other.x < rect.x + rect.w && rect.x < other.x + other.w && other.y < rect.y + rect.h && rect.y < other.y + other.h) return false
      }
    }
    return true
  }

  * #keys({ x, y, w, h }: Rect): Generator<number> {
    for (let row = Math.floor(y / CELL_Y); row <= Math.floor((y + h) / CELL_Y); row += 1) {
      for (let column = Math.floor(x / CELL_X); column <= Math.floor((x + w) / CELL_X); column += 1) yield row * 10_000 + column
    }
  }
}

export function paintFreeNames(stage: Stage, taken: Taken): void {
  const { scene, state, frame } = stage
  const occupied = new Occupied()
  const visible = scene.byWeight.filter((node) => {
    if (!isDrawn(stage, node)) return false
    const { x, y } = pointOf(scene, frame, node)
    if (x < -20 || y < -20 || x > frame.w + 20 || y > frame.h + 20) return false
    const r = radiusOf(scene, frame, node) * 0.8
    occupied.add({ x: x - r, y: y - r, w: 2 * r, h: 2 * r })
    return true
  })
  const chosen = visible.filter((node) => isChosen(stage, node))
  // With something bright, names of the rest only stand in its way.
  const others = visible.filter((node) => !isChosen(stage, node) && (state.fading ? state.bright[node] === 1 : isNamed(stage, node)))
  const faded = state.fading ? visible.filter((node) => !isChosen(stage, node) && state.bright[node] !== 1 && isNamed(stage, node)) : []
  let left = MOST_NAMES
  for (const node of [...chosen, ...others, ...faded].slice(0, MOST_TRIES)) {
    if (left > 0 && paintName(stage, node, occupied, taken)) left -= 1
  }
}

/** From afar only what holds or links much has a name: names of all would be a wall of letters. */
function isNamed({ scene, frame }: Stage, node: number): boolean {
  const { kind } = scene.picture.layout
  if (kind === 'layers' || kind === 'map' || scene.nodes.length <= FEW || frame.u > NEARER * frame.fitU) return true
  return (scene.children[node] ?? 0) > 0 || edgesAt(scene, node).length >= MANY_LINES
}

function isChosen({ scene, state }: Stage, node: number): boolean {
  const id = scene.nodes[node]?.id ?? ''
  return state.looks.selected.has(id) || state.looks.hits.has(id)
}

function paintName(stage: Stage, node: number, occupied: Occupied, taken: Taken): boolean {
  const { pen, scene, state, frame, tokens, detail } = stage
  const hub = (scene.children[node] ?? 0) >= HUB_FROM
  const size = hub ? HUB_SIZE : SIZE
  const weight = hub || isChosen(stage, node) ? 500 : 400
  const measure = stage.widths(weight)
  const text = fitted(detail.names ? scene.nodes[node]?.label ?? '' : scene.names[node] ?? '', MOST_WIDE / size, measure)
  const id = scene.nodes[node]?.id ?? ''
  const value = state.looks.lens?.get(id) ?? (detail.values ? state.looks.values.get(id) : undefined)
  const wide = measure(text) * size
  const whole = wide + (value ? stage.widths(VALUE_WEIGHT)(value.text) * size + GAP : 0)
  const { x, y } = pointOf(scene, frame, node)
  const away = radiusOf(scene, frame, node) + GAP
  const places: readonly Rect[] = placesOf(scene.picture.layout.kind === 'tree' && scene.deep[node] === 1, x, y, away, whole, size)
  const place = places.find((each) => each.x >= 0 && each.x + each.w <= frame.w && occupied.isFree(each))
  if (!place) return false
  occupied.add(place)
  taken.push(place)
  const alpha = state.bright[node] === 1 ? {} : { alpha: FADED_NAME }
  const middle = place.y + place.h / 2
  pen.box(place.x - 2, place.y, whole + 4, place.h, 3, { fill: tokens.canvas, alpha: state.near.length > 0 && state.bright[node] === 1 ? FIRM_GROUND : GROUND })
  pen.text(text, place.x, middle, { size, weight, colour: hub ? tokens.text : tokens.text2, ...alpha })
  if (value) pen.text(value.text, place.x + wide + GAP, middle, { size, weight: VALUE_WEIGHT, colour: tokens.text, ...alpha })
  return true
}

function placesOf(aboveFirst: boolean, x: number, y: number, away: number, wide: number, size: number): readonly Rect[] {
  const h = size * 1.3
  const right = { x: x + away, y: y - h / 2, w: wide, h }
  const left = { x: x - away - wide, y: y - h / 2, w: wide, h }
  const above = { x: x - wide / 2, y: y - away - h + 2, w: wide, h }
  const below = { x: x - wide / 2, y: y + away - 2, w: wide, h }
  // From what branches widely lines go to the right.
  return aboveFirst ? [above, below, left] : [right, left, above, below]
}
