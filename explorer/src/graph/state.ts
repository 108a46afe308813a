/** What the looks make of the scene: which marks are there, how bright, in which colour. */
import { mix, rampAt } from './colours'
import { edgesAt, type Scene } from './scene'
import type { Tokens } from './tokens'
import type { Looks, ShownValue } from './types'

export interface State {
  readonly looks: Looks
  /** By node: 1 where it is drawn. */
  readonly shown: Uint8Array
  /** By node: 1 where it keeps its full colour. */
  readonly bright: Uint8Array
  /** By box: 1 where it is drawn. */
  readonly boxShown: Uint8Array
  /** By box: 1 where it is bright itself or around something bright. */
  readonly boxBright: Uint8Array
  /** By box: its lens colour. */
  readonly tiles: readonly (string | undefined)[]
  /** By node. */
  readonly colours: readonly string[]
  readonly edgeShown: Uint8Array
  /** Edges of what is selected: drawn whole, whatever the distance. */
  readonly near: readonly number[]
  /** Something fades. */
  readonly fading: boolean
}

export const FADED_MARK = 0.22
export const FADED_LINE = 0.05
export const FADED_BOX = 0.6
/** What the lens says of all stays to be seen. */
export const FADED_TILE = 0.8
const UNDER_LENS = 0.22
const SLOT_TINT = 0.34
/** What is there no more is as pale as this. */
const GHOST = 0.65
const SLOTS = 8

export const NO_LOOKS: Looks = {
  selected: new Set(), hidden: new Set(), hiddenNames: new Set(), hits: new Set(), pinned: new Set(), drafts: new Set(), bright: undefined,
  differences: new Map(), lens: undefined, values: new Map(), past: false,
}

/** `before` is the state of the same scene and tokens: what the looks did not change is taken from it, for values change many times a second. */
export function stateOf(scene: Scene, looks: Looks, tokens: Tokens, before?: State): State {
  const kept = before?.looks.hidden === looks.hidden && before.looks.hiddenNames === looks.hiddenNames ? before : undefined
  const { shown, boxShown, edgeShown } = kept ?? shownOf(scene, looks)
  const { bright, boxBright } = before && before.looks.bright === looks.bright ? before : brightOf(scene, looks)
  const { tiles, colours } = before && before.looks.lens === looks.lens && before.looks.differences === looks.differences ? before : coloursOf(scene, looks, tokens)
  const near = kept && kept.looks.selected === looks.selected ? kept.near : nearOf(scene, looks, edgeShown)
  return { looks, shown, boxShown, edgeShown, bright, boxBright, tiles, colours, near, fading: looks.bright !== undefined }
}

function shownOf(scene: Scene, looks: Looks): Pick<State, 'shown' | 'boxShown' | 'edgeShown'> {
  const { absent } = scene.picture.layout
  const shown = Uint8Array.from(scene.nodes, (node, index) => (looks.hidden.has(node.id) || absent[index] === 1 ? 0 : 1))
  const boxShown = Uint8Array.from(scene.boxes, (box) => (box.node < 0 || shown[box.node] === 1 ? 1 : 0))
  const edgeShown = Uint8Array.from(scene.edges, (edge, index) => {
    const ends = (shown[scene.from[index] ?? -1] ?? 0) + (shown[scene.to[index] ?? -1] ?? 0)
    return ends === 2 && !looks.hiddenNames.has(edge.name) && !looks.hidden.has(edge.key) ? 1 : 0
  })
  return { shown, boxShown, edgeShown }
}

function coloursOf(scene: Scene, looks: Looks, tokens: Tokens): Pick<State, 'tiles' | 'colours'> {
  const tiles = scene.boxes.map((box) => tileOf(looks.lens?.get(box.id), tokens))
  return { tiles, colours: scene.nodes.map((_, index) => colourOf(scene, index, tiles, looks, tokens)) }
}

function brightOf(scene: Scene, looks: Looks): Pick<State, 'bright' | 'boxBright'> {
  const bright = Uint8Array.from(scene.nodes, (node) => (looks.bright && !looks.bright.has(node.id) ? 0 : 1))
  return { bright, boxBright: boxBrightOf(scene, bright, looks.bright !== undefined) }
}

function boxBrightOf(scene: Scene, bright: Uint8Array, fading: boolean): Uint8Array {
  const boxes = new Uint8Array(scene.boxes.length)
  if (!fading) return boxes.fill(1)
  const mark = (from: number): void => {
    for (let index = from; index >= 0 && boxes[index] !== 1; index = scene.boxes[index]?.parent ?? -1) boxes[index] = 1
  }
  bright.forEach((on, node) => {
    if (on !== 1) return
    mark(scene.own[node] ?? -1)
    mark(scene.home[node] ?? -1)
  })
  return boxes
}

/** Ground of what has a value under the lens. */
export function tileOf(value: ShownValue | undefined, tokens: Tokens): string | undefined {
  if (!value || tokens.plain) return undefined
  if (value.ramp !== undefined) return rampAt(tokens.ramp, value.ramp)
  if (value.slot === undefined) return undefined
  const slot = value.slot >= 1 && value.slot <= SLOTS ? value.slot : 0
  return mix(tokens.boxes[3], tokens.families[slot] ?? tokens.text3, SLOT_TINT)
}

/** Shape says the model, colour says the value: marks in coloured tiles give their colour up. */
function colourOf(scene: Scene, index: number, tiles: readonly (string | undefined)[], looks: Looks, tokens: Tokens): string {
  const id = scene.nodes[index]?.id ?? ''
  const inside = tiles[scene.own[index] ?? -1] ?? tiles[scene.home[index] ?? -1] ?? tileOf(looks.lens?.get(id), tokens)
  if (inside !== undefined) return mix(tokens.text, tokens.canvas, UNDER_LENS)
  const slot = scene.nodes[index]?.look.slot ?? 0
  const own = tokens.families[slot >= 1 && slot <= SLOTS ? slot : 0] ?? tokens.text3
  return looks.differences.get(id) === 'removed' ? mix(own, tokens.canvas, GHOST) : own
}

function nearOf(scene: Scene, looks: Looks, edgeShown: Uint8Array): readonly number[] {
  const near = new Set<number>()
  for (const id of looks.selected) {
    const edge = scene.edgeIndexOf.get(id)
    if (edge !== undefined) near.add(edge)
    const node = scene.indexOf.get(id)
    if (node !== undefined) for (const each of edgesAt(scene, node)) near.add(each)
  }
  return [...near].filter((edge) => edgeShown[edge] === 1)
}

/** Whether a line is drawn among the others, apart from selection. */
export function isLine(scene: Scene, edge: number, lines: boolean): boolean {
  const { layout } = scene.picture
  if (scene.linesAlways) return true
  return lines && layout.implied[edge] !== 1
}
