/** The picture, prepared once for drawing: what is looked up for every frame is looked up here. */
import { shortName } from '@/dtdl/model'
import type { Box, Lane } from '@/layout/types'
import { words, withoutModel, withoutPlace } from './shorten'
import type { GraphEdge, GraphNode, Picture } from './types'

export interface SceneBox extends Box {
  /** Index of the twin that it is. */
  readonly node: number
  /** No boxes lie in it. */
  readonly leaf: boolean
  readonly title: string
  /** The title without what the place says already. */
  readonly short: string
  /** Where its loose leaves begin, seen from its left edge; its whole width without any. */
  readonly titleWidth: number
  /** Twins below it by palette slot, most first. */
  readonly shares: readonly (readonly [slot: number, count: number])[]
}

export interface Scene {
  readonly picture: Picture
  readonly nodes: readonly GraphNode[]
  readonly edges: readonly GraphEdge[]
  readonly x: Float64Array
  readonly y: Float64Array
  /** By node: the box that it is, or -1. */
  readonly own: Int32Array
  /** By node: the innermost box around it, or -1. */
  readonly home: Int32Array
  /** By node: how deep it lies; a chip has the depth of its box. */
  readonly depth: Uint8Array
  /** By node: 1 where it lies in the head of its box. */
  readonly inHead: Uint8Array
  /** By node: how many lie below it in the forest, and whether more lie below those. */
  readonly children: Uint32Array
  readonly deep: Uint8Array
  /** Where names go by weight: what holds most comes first. */
  readonly byWeight: readonly number[]
  /** By node: width that its name may take, in units. */
  readonly room: Float64Array
  readonly names: readonly string[]
  readonly boxes: readonly SceneBox[]
  /** Outer boxes first. */
  readonly order: readonly number[]
  readonly lanes: readonly Lane[]
  readonly indexOf: ReadonlyMap<string, number>
  readonly edgeIndexOf: ReadonlyMap<string, number>
  readonly from: Int32Array
  readonly to: Int32Array
  /** By node: the edges at it. */
  readonly at: readonly (readonly number[])[]
  readonly nested: boolean
  /** Lines are shown however far one is: nothing else says them. */
  readonly linesAlways: boolean
  readonly bounds: { readonly x: number; readonly y: number; readonly w: number; readonly h: number }
}

const CHIP_X = 0.57
const LEAST_ROOM = 0.9
/** A forest is not this deep; a picture that says so would never end. */
const MOST_PLACES = 32
const NONE: readonly number[] = []

export function sceneOf(picture: Picture): Scene {
  const { nodes, edges, layout } = picture
  const indexOf = new Map(nodes.map((node, index) => [node.id, index]))
  const x = Float64Array.from(layout.x)
  const y = Float64Array.from(layout.y)
  const home = Int32Array.from(nodes, (_, index) => homeOf(picture, index))
  const depth = new Uint8Array(nodes.length)
  const inHead = new Uint8Array(nodes.length)
  for (let index = 0; index < nodes.length; index += 1) place(picture, index, home[index] ?? -1, { x, y, depth, inHead })
  const names = nodes.map((node, index) => nameOf(picture, node, index))
  const boxes = boxesOf(picture, names, indexOf, home, inHead, x)
  const linked = links(picture, indexOf)
  const children = new Uint32Array(nodes.length)
  const deep = new Uint8Array(nodes.length)
  for (const parent of layout.parent) {
    if (parent < 0) continue
    children[parent] = (children[parent] ?? 0) + 1
    const above = layout.parent[parent] ?? -1
    if (above >= 0) deep[above] = 1
  }
  return {
    picture, nodes, edges, x, y, own: layout.box, home, depth, inHead, names, boxes, indexOf, ...linked,
    children, deep, byWeight: layout.boxes.length > 0 ? NONE : nodes.map((_, index) => index).sort((a, b) => (children[b] ?? 0) - (children[a] ?? 0) || (linked.at[b]?.length ?? 0) - (linked.at[a]?.length ?? 0) || a - b),
    room: roomOf(picture, home, inHead, x, y),
    order: boxes.map((_, index) => index).sort((a, b) => (boxes[a]?.depth ?? 0) - (boxes[b]?.depth ?? 0)),
    lanes: layout.lanes, edgeIndexOf: new Map(edges.map((edge, index) => [edge.key, index])),
    nested: layout.boxes.length > 0, linesAlways: layout.kind === 'layers' || layout.kind === 'force' || layout.kind === 'map', bounds: layout.bounds,
  }
}

function homeOf({ layout }: Picture, index: number): number {
  const own = layout.box[index] ?? -1
  if (own >= 0) return layout.boxes[own]?.parent ?? -1
  const parent = layout.parent[index] ?? -1
  return parent < 0 ? -1 : layout.box[parent] ?? -1
}

interface Places { readonly x: Float64Array; readonly y: Float64Array; readonly depth: Uint8Array; readonly inHead: Uint8Array }

/** A box's own mark is the chip in its title bar; leaves lie where the layout says. */
function place({ layout }: Picture, index: number, home: number, into: Places): void {
  const box = layout.boxes[layout.box[index] ?? -1]
  if (box) {
    into.x[index] = box.x + Math.min(CHIP_X, box.w / 2)
    into.y[index] = box.y + box.head / 2
    into.depth[index] = box.depth
    return
  }
  const around = layout.boxes[home]
  if (!around) return
  into.depth[index] = around.depth + 1
  if ((into.y[index] ?? 0) < around.y + around.head) {
    into.inHead[index] = 1
    into.depth[index] = around.depth
  }
}

function nameOf({ nodes, layout }: Picture, node: GraphNode, index: number): string {
  const places: string[] = []
  for (let above = layout.parent[index] ?? -1; above >= 0 && places.length < MOST_PLACES; above = layout.parent[above] ?? -1) {
    const around = nodes[above]
    if (around) places.push(around.label)
  }
  const bare = withoutPlace(node.label, places)
  return withoutModel(bare, node.modelName ?? words(shortName(node.model)))
}

function boxesOf(picture: Picture, names: readonly string[], indexOf: ReadonlyMap<string, number>, home: Int32Array, inHead: Uint8Array, x: Float64Array): readonly SceneBox[] {
  const { nodes, layout } = picture
  const holding = new Set(layout.boxes.map((box) => box.parent))
  const slots = new Map(nodes.map((node) => [node.model, node.look.slot]))
  const firstLoose = new Float64Array(layout.boxes.length).fill(Infinity)
  nodes.forEach((_, index) => {
    const box = home[index] ?? -1
    if (box >= 0 && inHead[index] === 1) firstLoose[box] = Math.min(firstLoose[box] ?? Infinity, x[index] ?? Infinity)
  })
  return layout.boxes.map((box, index) => {
    const node = indexOf.get(box.id) ?? -1
    return {
      ...box, node, leaf: !holding.has(index), title: nodes[node]?.label ?? box.id, short: names[node] ?? box.id,
      titleWidth: Math.min(box.w, (firstLoose[index] ?? Infinity) - 0.7 - box.x), shares: sharesOf(box, slots),
    }
  })
}

function sharesOf(box: Box, slots: ReadonlyMap<string, number>): readonly (readonly [number, number])[] {
  const counts = new Map<number, number>()
  for (const [model, count] of Object.entries(box.models)) {
    const slot = slots.get(model) ?? 0
    counts.set(slot, (counts.get(slot) ?? 0) + count)
  }
  return [...counts].sort(([a, m], [b, n]) => n - m || a - b)
}

function links({ nodes, edges }: Picture, indexOf: ReadonlyMap<string, number>): Pick<Scene, 'from' | 'to' | 'at'> {
  const from = Int32Array.from(edges, (edge) => indexOf.get(edge.source) ?? -1)
  const to = Int32Array.from(edges, (edge) => indexOf.get(edge.target) ?? -1)
  const at: number[][] = nodes.map(() => [])
  edges.forEach((_, index) => {
    const source = from[index] ?? -1
    const target = to[index] ?? -1
    at[source]?.push(index)
    if (target !== source) at[target]?.push(index)
  })
  return { from, to, at }
}

/** How wide names may be: as far as the next mark of the row, and not out of the box. */
function roomOf({ nodes, layout }: Picture, home: Int32Array, inHead: Uint8Array, x: Float64Array, y: Float64Array): Float64Array {
  const room = new Float64Array(nodes.length).fill(layout.boxes.length > 0 ? LEAST_ROOM : Infinity)
  const rows = new Map<string, number[]>()
  for (let index = 0; index < nodes.length; index += 1) {
    if ((layout.box[index] ?? -1) >= 0) continue
    const key = `${home[index]}/${inHead[index]}/${(y[index] ?? 0).toFixed(2)}`
    const row = rows.get(key)
    if (row) row.push(index)
    else rows.set(key, [index])
  }
  for (const row of rows.values()) {
    row.sort((a, b) => (x[a] ?? 0) - (x[b] ?? 0))
    const box = layout.boxes[home[row[0] ?? 0] ?? -1]
    row.forEach((index, at) => {
      const here = x[index] ?? 0
      const before = at > 0 ? here - (x[row[at - 1] ?? index] ?? 0) : Infinity
      const after = at + 1 < row.length ? (x[row[at + 1] ?? index] ?? 0) - here : Infinity
      const walls = box ? 2 * Math.min(here - box.x, box.x + box.w - here) : Infinity
      const free = Math.min(before, after, walls)
      if (Number.isFinite(free)) room[index] = Math.max(LEAST_ROOM, free)
    })
  }
  return room
}

/** The boxes around a twin, innermost first, its own not counted. */
export function* around(scene: Scene, node: number): Generator<SceneBox> {
  let box = scene.boxes[scene.home[node] ?? -1]
  while (box) {
    yield box
    box = scene.boxes[box.parent]
  }
}

export function edgesAt(scene: Scene, node: number): readonly number[] { return scene.at[node] ?? NONE }

/** The smallest rectangle around twins: a box counts whole. */
export function extentOf(scene: Scene, ids: Iterable<string>): { x: number; y: number; w: number; h: number } | undefined {
  let [left, top, right, bottom] = [Infinity, Infinity, -Infinity, -Infinity]
  for (const id of ids) {
    const index = scene.indexOf.get(id)
    if (index === undefined) continue
    const box = scene.boxes[scene.own[index] ?? -1]
    const x = scene.x[index] ?? 0
    const y = scene.y[index] ?? 0
    left = Math.min(left, box ? box.x : x - 0.5)
    top = Math.min(top, box ? box.y : y - 0.5)
    right = Math.max(right, box ? box.x + box.w : x + 0.5)
    bottom = Math.max(bottom, box ? box.y + box.h : y + 0.5)
  }
  return left <= right ? { x: left, y: top, w: right - left, h: bottom - top } : undefined
}
