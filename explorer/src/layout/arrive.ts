/** What comes and goes while one looks finds its place without moving the rest (design 4.2). */
import { type Forest, forestOf, impliedBy } from './forest'
import { lanesOf, LANE_STEP, liftedOf } from './lift'
import { PADDING } from './nested'
import type { Box, LayoutEdge, LayoutNode, LayoutRequest, LayoutResult } from './types'

const CELL = 1.9
const HEAD_STEP = 1.1
const TITLE = 5
const NEAR = 0.45

type Place = readonly [number, number]

interface Kept { readonly place: Place; readonly parent: string | undefined }

/** Return the picture with what is new in it, or undefined where all has to be laid out anew: boxes came or went. */
export function arrive(before: LayoutRequest, result: LayoutResult, after: LayoutRequest): LayoutResult | undefined {
  const { nodes, edges } = after
  const forest = forestOf(nodes, edges, after.options.boxesBy)
  const indexOf = new Map(nodes.map((node, index) => [node.id, index]))
  const boxes = result.boxes.filter((box) => indexOf.has(box.id))
  const boxIds = new Set(boxes.map((box) => box.id))
  const hasNewBox = nodes.some((node, index) => (forest.children[index]?.length ?? 0) > 0 && !boxIds.has(node.id))
  const bars = result.boxes.some((box) => box.collapsed)
  if (hasNewBox || bars || boxes.some((box) => movedBox(box, result, forest, nodes, indexOf))) return undefined
  const kept = keptPlaces(before, result)
  const places = new Array<Place | undefined>(nodes.length).fill(undefined)
  const rename = new Map(boxes.map((box, index) => [box.id, index]))
  const grown = boxes.map((box): Box => ({ ...box, parent: rename.get(result.boxes[box.parent]?.id ?? '') ?? -1, ...held(box, forest, nodes, indexOf) }))
  let squeezed = result.squeezed
  grown.forEach((box) => { if (fill(box, grown, { forest, nodes, indexOf, boxIds, kept, places })) squeezed += 1 })
  looseBelow(forest, result, boxIds, nodes, kept, places)
  const x = Float64Array.from(places, (place) => place?.[0] ?? 0)
  const y = Float64Array.from(places, (place) => place?.[1] ?? 0)
  const box = Int32Array.from(nodes, (node) => rename.get(node.id) ?? -1)
  const implied = impliedBy(forest)
  const lanes = lanesIn(forest, edges, implied, grown, box, nodes)
  const inLane = new Uint8Array(edges.length)
  for (const lane of lanes) for (const edge of lane.edges) inLane[edge] = 1
  return {
    ...result, x, y, box, boxes: grown, lanes, implied, inLane, parent: forest.parent, absent: new Uint8Array(nodes.length), squeezed,
    containments: forest.containments, contained: forest.contained,
  }
}

function movedBox(box: Box, result: LayoutResult, forest: Forest, nodes: readonly LayoutNode[], indexOf: ReadonlyMap<string, number>): boolean {
  const around = result.boxes[box.parent]?.id
  const up = forest.parent[indexOf.get(box.id) ?? -1] ?? -1
  return nodes[up]?.id !== around
}

function keptPlaces(before: LayoutRequest, result: LayoutResult): ReadonlyMap<string, Kept> {
  return new Map(before.nodes.map((node, index) => [node.id, { place: [result.x[index] ?? 0, result.y[index] ?? 0], parent: before.nodes[result.parent[index] ?? -1]?.id }]))
}

function held(box: Box, forest: Forest, nodes: readonly LayoutNode[], indexOf: ReadonlyMap<string, number>): Pick<Box, 'count' | 'models'> {
  const node = indexOf.get(box.id) ?? -1
  const models: Record<string, number> = {}
  const below = [...(forest.children[node] ?? [])]
  for (let each = below.pop(); each !== undefined; each = below.pop()) {
    const model = nodes[each]?.model ?? ''
    models[model] = (models[model] ?? 0) + 1
    below.push(...(forest.children[each] ?? []))
  }
  return { count: forest.count[node] ?? 0, models }
}

interface Filling { readonly forest: Forest; readonly nodes: readonly LayoutNode[]; readonly indexOf: ReadonlyMap<string, number>; readonly boxIds: ReadonlySet<string>; readonly kept: ReadonlyMap<string, Kept>; readonly places: (Place | undefined)[] }

/** Place the leaves of a box: those that were there stay, the others take free cells. Returns whether all had to move together. */
function fill(box: Box, boxes: readonly Box[], { forest, nodes, indexOf, boxIds, kept, places }: Filling): boolean {
  const own = indexOf.get(box.id) ?? -1
  places[own] = kept.get(box.id)?.place ?? [box.x, box.y]
  const leaves = (forest.children[own] ?? []).filter((child) => (forest.children[child]?.length ?? 0) === 0 && !boxIds.has(nodes[child]?.id ?? ''))
  const fresh: number[] = []
  for (const leaf of leaves) {
    const before = kept.get(nodes[leaf]?.id ?? '')
    if (before && before.parent === box.id) places[leaf] = before.place
    else fresh.push(leaf)
  }
  if (fresh.length === 0) return false
  const inside = boxes.filter((each) => boxes[each.parent] === box)
  const stay = leaves.map((leaf) => places[leaf]).filter((place) => place !== undefined)
  const inHead = inside.length > 0 && stay.every((place) => place[1] < box.y + box.head)
  const free = inHead ? headCells(box, stay) : gridCells(box, inside, stay)
  if (free.length >= fresh.length) {
    fresh.forEach((leaf, index) => { places[leaf] = free[index] })
    return false
  }
  const all = inHead ? spreadInHead(box, leaves.length) : spreadInGrid(box, inside, leaves.length)
  leaves.forEach((leaf, index) => { places[leaf] = all[index] })
  return true
}

function isFree(place: Place, taken: readonly Place[]): boolean {
  return taken.every((each) => Math.hypot(each[0] - place[0], each[1] - place[1]) > NEAR)
}

function headCells(box: Box, taken: readonly Place[]): readonly Place[] {
  const cells: Place[] = []
  for (let x = box.x + box.w - 0.6; x > box.x + TITLE; x -= HEAD_STEP) cells.push([x, box.y + box.head / 2])
  return cells.filter((cell) => isFree(cell, taken))
}

function spreadInHead(box: Box, count: number): readonly Place[] {
  const step = Math.min(HEAD_STEP, (box.w - 1.2) / count)
  return Array.from({ length: count }, (_each, index): Place => [box.x + box.w - 0.6 - (count - 1 - index) * step, box.y + box.head / 2])
}

/** The part of a box that its boxes leave to marks. */
function roomOf(box: Box, inside: readonly Box[]): { readonly x: number; readonly y: number; readonly w: number; readonly h: number } {
  const top = inside.reduce((most, each) => Math.max(most, each.y + each.h), box.y + box.head)
  return { x: box.x + PADDING, y: top, w: box.w - 2 * PADDING, h: box.y + box.h - PADDING - top }
}

function pitch(values: readonly number[], otherwise: number): number {
  const sorted = [...new Set(values.map((each) => Math.round(each * 1000) / 1000))].sort((one, other) => one - other)
  const steps = sorted.slice(1).map((each, index) => each - (sorted[index] ?? 0)).filter((step) => step > 0.2)
  return steps.length === 0 ? otherwise : Math.min(...steps)
}

function gridCells(box: Box, inside: readonly Box[], taken: readonly Place[]): readonly Place[] {
  const room = roomOf(box, inside)
  const dx = Math.min(CELL, pitch(taken.map((place) => place[0]), Math.min(CELL, room.w)))
  const dy = Math.min(CELL, pitch(taken.map((place) => place[1]), Math.min(CELL, Math.max(room.h, 0.5))))
  const x0 = taken.reduce((least, place) => Math.min(least, place[0]), room.x + dx / 2)
  const y0 = taken.reduce((least, place) => Math.min(least, place[1]), room.y + dy / 2)
  const cells: Place[] = []
  for (let y = y0; y <= room.y + room.h - 0.35; y += dy) for (let x = x0; x <= room.x + room.w - 0.35; x += dx) cells.push([x, y])
  return cells.filter((cell) => isFree(cell, taken))
}

function spreadInGrid(box: Box, inside: readonly Box[], count: number): readonly Place[] {
  const room = roomOf(box, inside)
  const height = Math.max(0.5, room.h)
  const rows = Math.max(1, Math.round(Math.sqrt((count * height) / room.w)))
  const columns = Math.ceil(count / rows)
  return Array.from({ length: count }, (_each, index): Place => [
    room.x + ((index % columns) + 0.5) * (room.w / columns), room.y + (Math.floor(index / columns) + 0.5) * (height / Math.ceil(count / columns)),
  ])
}

/** What lies in nothing stays; what is new stands in rows below all. The frame stays as it is, and with it all that one looks at. */
function looseBelow(forest: Forest, result: LayoutResult, boxIds: ReadonlySet<string>, nodes: readonly LayoutNode[], kept: ReadonlyMap<string, Kept>, places: (Place | undefined)[]): void {
  const fresh: number[] = []
  for (const root of forest.roots) {
    const id = nodes[root]?.id ?? ''
    if (boxIds.has(id)) continue
    const before = kept.get(id)
    if (before && before.parent === undefined) places[root] = before.place
    else fresh.push(root)
  }
  const columns = Math.max(1, Math.floor(result.bounds.w / CELL))
  fresh.forEach((root, index) => { places[root] = [((index % columns) + 0.5) * CELL, result.bounds.h + (Math.floor(index / columns) + 0.5) * CELL] })
}

/** Lanes as many as the gutters, which stay as they are, have room for. */
function lanesIn(forest: Forest, edges: readonly LayoutEdge[], implied: Uint8Array, boxes: readonly Box[], box: Int32Array, nodes: readonly LayoutNode[]): LayoutResult['lanes'] {
  const stacks = new Map<number, number>()
  nodes.forEach((_node, index) => {
    const own = boxes[box[index] ?? -1]
    if (!own?.stacked) return
    const inner = boxes.filter((each) => boxes[each.parent] === own)
    const gutter = inner.reduce((least, each) => Math.min(least, each.x), Infinity) - own.x - PADDING
    stacks.set(index, Math.max(0, Math.floor((gutter - 0.5) / LANE_STEP)))
  })
  const lifted = liftedOf(forest, edges, implied, (node) => stacks.has(node))
  const used = new Map<number, number>()
  const fitting = lifted.filter((each) => {
    const count = used.get(each.stack) ?? 0
    used.set(each.stack, count + 1)
    return count < (stacks.get(each.stack) ?? 0)
  })
  return lanesOf(fitting, boxes, box, nodes.map((node) => node.id))
}
