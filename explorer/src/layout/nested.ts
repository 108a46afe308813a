/** Boxes in boxes (design 4.2): sizes are tried in many forms, the one with the largest readable titles is kept. */
import type { Forest } from './forest'
import type { LayoutNode } from './types'

export const PADDING = 0.42
export const GAP = 0.42
export const HEADS = [1.7, 1.6, 1.45, 1.3]
/** Width that a title needs. */
const LEAST_WIDTH = 7
const MOST_HEAD_LEAVES = 10
/** A grid larger than this is a bar until it is opened. */
export const MOST_LEAVES = 400
const BAR_HEIGHT = 1.1
const HEAD_STEP = 1.1
/** Shape of a grid that is larger than its columns can hold. */
const GRID_ASPECT = 2.5

export function headOf(depth: number): number { return HEADS[Math.min(Math.max(depth, 0), HEADS.length - 1)] ?? 1.3 }

/** Index of the box around everything, which is no twin. */
export const ALL = -1

export interface Form { readonly columns: number; readonly aspects: readonly [number, number, number] }

export interface Plan {
  readonly w: number
  readonly h: number
  /** Boxes in rows; none in a box of leaves. */
  readonly rows: readonly (readonly number[])[]
  readonly rowHeights: readonly number[]
  readonly columns: number
  /** Plans of children that were fitted into a given width. */
  readonly fitted: ReadonlyMap<number, Plan> | undefined
}

/** What of the forest is boxes and what is leaves, once for all tries. */
export class Boxes {
  readonly collapsed: Uint8Array
  readonly stacked: Uint8Array
  /** Widths of the gutters. */
  readonly gutter: Float64Array
  readonly #boxes: (readonly number[])[]
  readonly #leaves: (readonly number[])[]
  readonly #rootBoxes: readonly number[]
  readonly #rootLeaves: readonly number[]

  constructor(readonly forest: Forest, nodes: readonly LayoutNode[], collapsed: readonly string[], opened: readonly string[]) {
    const isBox = (node: number): boolean => (forest.children[node]?.length ?? 0) > 0
    const bars = new Set(collapsed)
    const open = new Set(opened)
    this.#boxes = forest.children.map((list) => list.filter(isBox))
    this.#leaves = forest.children.map((list) => list.filter((node) => !isBox(node)))
    this.#rootBoxes = forest.roots.filter(isBox)
    this.#rootLeaves = forest.roots.filter((node) => !isBox(node))
    this.collapsed = Uint8Array.from(nodes, (node, index) => (isBox(index) && (bars.has(node.id) || ((this.#leaves[index]?.length ?? 0) > MOST_LEAVES && !open.has(node.id))) ? 1 : 0))
    this.stacked = Uint8Array.from(nodes, (_node, index) => (this.#isStacked(index, nodes) ? 1 : 0))
    this.gutter = new Float64Array(nodes.length)
    this.#boxes.forEach((list, index) => {
      if (this.stacked[index] !== 1) return
      const level = (node: number): number => nodes[node]?.level ?? -Infinity
      this.#boxes[index] = [...list].sort((one, other) => level(other) - level(one) || list.indexOf(one) - list.indexOf(other))
    })
  }

  boxes(node: number): readonly number[] { return node === ALL ? this.#rootBoxes : this.#boxes[node] ?? [] }
  leaves(node: number): readonly number[] { return node === ALL ? this.#rootLeaves : this.#leaves[node] ?? [] }
  isBox(node: number): boolean { return this.boxes(node).length + this.leaves(node).length > 0 }
  head(node: number): number { return node === ALL ? 0 : headOf(this.forest.depth[node] ?? 0) }
  padding(node: number): number { return node === ALL ? 0 : PADDING }
  gutterOf(node: number): number { return node === ALL ? 0 : this.gutter[node] ?? 0 }
  isBar(node: number): boolean { return node !== ALL && this.collapsed[node] === 1 }
  isStack(node: number): boolean { return node !== ALL && this.stacked[node] === 1 }

  /** Leaves that lie in the head of a box beside its title. */
  headLeaves(node: number): readonly number[] {
    const leaves = this.leaves(node)
    return node !== ALL && this.boxes(node).length > 0 && leaves.length <= MOST_HEAD_LEAVES ? leaves : []
  }

  /** Leaves that lie in a grid of their own. */
  gridLeaves(node: number): readonly number[] {
    return this.headLeaves(node).length > 0 ? [] : this.leaves(node)
  }

  #isStacked(node: number, nodes: readonly LayoutNode[]): boolean {
    const boxes = this.#boxes[node] ?? []
    const levels = boxes.map((each) => nodes[each]?.level).filter((each) => each !== undefined)
    return levels.length >= 2 && levels.length * 2 > boxes.length && new Set(levels).size > 1
  }
}

/** Plan a box by the plans of what it holds. `width` fits it into one; else its aspect says how wide it is. */
export function planOf(all: Boxes, node: number, plans: ReadonlyMap<number, Plan>, columns: number, aspect: number, width?: number): Plan {
  const head = all.head(node)
  const pad = all.padding(node)
  if (all.isBar(node)) return { w: width ?? LEAST_WIDTH, h: head + BAR_HEIGHT, rows: [], rowHeights: [], columns: 1, fitted: undefined }
  const boxes = all.boxes(node)
  if (boxes.length === 0) return gridPlan(all.leaves(node).length, head, pad, columns, width)
  const gutter = all.gutterOf(node)
  const around = 2 * pad + gutter
  const sizes = boxes.map((each) => plans.get(each) ?? { w: 1, h: 1 })
  const widest = sizes.reduce((most, each) => Math.max(most, each.w), LEAST_WIDTH)
  const area = sizes.reduce((sum, each) => sum + (each.w + GAP) * (each.h + GAP), 0)
  const stack = all.isStack(node)
  const inner = width !== undefined ? width - around : stack ? widest : Math.max(widest, Math.sqrt(area * aspect))
  const fitted = stack || (width !== undefined && boxes.length === 1) ? new Map(boxes.map((each) => [each, planOf(all, each, plans, columns, aspect, inner)])) : undefined
  const widthOf = (each: number): number => (fitted?.get(each) ?? plans.get(each))?.w ?? 1
  const heightOf = (each: number): number => (fitted?.get(each) ?? plans.get(each))?.h ?? 1
  const rows = stack ? boxes.map((each) => [each]) : rowsOf(boxes, widthOf, inner)
  const rowHeights = rows.map((row) => row.reduce((most, each) => Math.max(most, heightOf(each)), 0))
  const content = rows.reduce((most, row) => Math.max(most, row.reduce((sum, each) => sum + widthOf(each) + GAP, -GAP)), 0)
  const least = Math.max(content, LEAST_WIDTH + all.headLeaves(node).length * HEAD_STEP - around)
  const w = width === undefined ? least + around : Math.max(width, content + around)
  const loose = all.gridLeaves(node).length
  const cells = Math.max(1, Math.floor(w - around))
  const h = head + rowHeights.reduce((sum, each) => sum + each + GAP, -GAP) + pad + (loose > 0 ? GAP + Math.ceil(loose / cells) : 0)
  return { w, h, rows, rowHeights, columns: cells, fitted }
}

function gridPlan(count: number, head: number, pad: number, columns: number, width: number | undefined): Plan {
  const wide = width === undefined ? undefined : Math.max(1, Math.floor(width - 2 * pad))
  const shape = count <= 4 * columns ? columns : Math.ceil(Math.sqrt(count * GRID_ASPECT))
  const cells = Math.max(1, Math.min(count, wide ?? shape))
  const w = width ?? Math.max(LEAST_WIDTH, cells + 2 * pad)
  return { w, h: head + Math.ceil(count / cells) + pad, rows: [], rowHeights: [], columns: cells, fitted: undefined }
}

/** Fill boxes into rows no wider than a width, the rows about equally full. */
function rowsOf(boxes: readonly number[], widthOf: (node: number) => number, width: number): number[][] {
  const total = boxes.reduce((sum, each) => sum + widthOf(each) + GAP, -GAP)
  let count = 1
  let used = -GAP
  for (const each of boxes) {
    const next = used + GAP + widthOf(each)
    if (next > width + 1e-9 && used > 0) { count += 1; used = widthOf(each) } else used = next
  }
  const rows: number[][] = [[]]
  let left = total
  let row = 0
  let filled = -GAP
  for (const each of boxes) {
    const next = filled + GAP + widthOf(each)
    const rowsLeft = count - row
    const share = left / rowsLeft
    const tooWide = next > width + 1e-9
    // A row ends where its end is nearer to its share of what is left than with one more.
    const fuller = rowsLeft > 1 && next - share > share - filled
    if (filled > 0 && (tooWide || fuller)) {
      left -= filled + GAP
      row += 1
      rows.push([each])
      filled = widthOf(each)
    } else {
      rows.at(-1)?.push(each)
      filled = next
    }
  }
  return rows
}

export interface Rect { readonly node: number; readonly x: number; readonly y: number; readonly w: number; readonly h: number; readonly plan: Plan; readonly parent: number }

export interface Size { readonly w: number; readonly h: number }

const WIDEST = 1.3
const HIGHEST = 1.15

/** The size that a plan is stretched to so that it fills the view: rows are justified, so that costs nothing. */
export function stretched(plan: Plan, aspect: number): Size {
  return { w: Math.min(plan.w * WIDEST, Math.max(plan.w, plan.h * aspect)), h: Math.min(plan.h * HIGHEST, Math.max(plan.h, plan.w / aspect)) }
}

/** Give every box its rectangle, from the outside inwards; rows are justified. */
export function arrange(all: Boxes, plans: ReadonlyMap<number, Plan>, root: Plan, whole: Size): readonly Rect[] {
  const rects: Rect[] = []
  const place = (node: number, plan: Plan, x: number, y: number, w: number, h: number, parent: number): void => {
    const at = node === ALL ? -1 : rects.push({ node, x, y, w, h, plan, parent }) - 1
    if (plan.rows.length === 0) return
    const pad = all.padding(node)
    const left = x + pad + all.gutterOf(node)
    const inner = w - 2 * pad - all.gutterOf(node)
    const more = Math.max(0, h - plan.h) / plan.rows.length
    let top = y + all.head(node)
    plan.rows.forEach((row, index) => {
      const height = (plan.rowHeights[index] ?? 0) + more
      const planFor = (each: number): Plan => plan.fitted?.get(each) ?? plans.get(each) ?? root
      const natural = row.reduce((sum, each) => sum + planFor(each).w, 0)
      const factor = (inner - GAP * (row.length - 1)) / natural
      let across = left
      for (const each of row) {
        const width = planFor(each).w * factor
        place(each, planFor(each), across, top, width, height, at)
        across += width + GAP
      }
      top += height + GAP
    })
  }
  place(ALL, root, 0, 0, whole.w, whole.h, -1)
  return rects
}

/** Pixels of the view that a layout is made for; the shape is what counts. */
const VIEW_HEIGHT = 700
const GOOD_WIDTH = 118

const COLUMNS = [3, 4, 5, 6, 8]
const FIRST = [1, 1.4]
const SECOND = [0.7, 1.4, 3]
const THIRD = [1.4, 3, 4.5, 6, 8, 12, 30]
const MANY = 5000

/** Try forms and return the plans of the best: that whose titles are largest and have the most room. */
export function bestPlans(all: Boxes, aspect: number): { readonly plans: ReadonlyMap<number, Plan>; readonly root: Plan } {
  const { forest } = all
  const many = forest.parent.length > MANY
  // What is around the first level of boxes is that level where there is one root, else everything.
  const start = all.boxes(ALL).length === 1 && all.leaves(ALL).length === 0 ? 0 : -1
  const byLevel = levelsOf(all, start)
  let best: { plans: Map<number, Plan>; root: Plan; score: number } | undefined
  const plans = new Map<number, Plan>()
  const planLevel = (level: number, columns: number, target: number): void => {
    for (const node of byLevel[level] ?? []) plans.set(node, planOf(all, node, plans, columns, target))
  }
  for (const columns of many ? [4, 6, 8] : COLUMNS) {
    for (let level = byLevel.length - 1; level >= 3; level -= 1) planLevel(level, columns, 3)
    for (const third of many ? [1.4, 3, 6, 12] : THIRD) {
      planLevel(2, columns, third)
      for (const second of SECOND) {
        planLevel(1, columns, second)
        for (const first of many ? [1] : FIRST) {
          planLevel(0, columns, first * aspect)
          const root = plans.get(ALL) ?? planOf(all, ALL, plans, columns, first * aspect)
          const whole = stretched(root, aspect)
          const score = scoreOf(all, arrange(all, plans, root, whole), whole, aspect)
          if (!best || score > best.score + 1e-9) best = { plans: new Map(plans), root, score }
        }
      }
    }
  }
  return best ?? { plans, root: planOf(all, ALL, plans, 4, aspect) }
}

/** Boxes by how many are around them; everything is level 0 where there are several roots. */
function levelsOf(all: Boxes, start: number): readonly (readonly number[])[] {
  const levels: number[][] = start < 0 ? [[ALL]] : []
  all.forest.depth.forEach((depth, node) => {
    if (!all.isBox(node)) return
    const level = depth - start
    ;(levels[level] ??= []).push(node)
  })
  return levels
}

function scoreOf(all: Boxes, rects: readonly Rect[], whole: Size, aspect: number): number {
  const unit = Math.min((VIEW_HEIGHT * aspect) / whole.w, VIEW_HEIGHT / whole.h)
  const widths = rects.filter((rect) => all.boxes(rect.node).length === 0).map((rect) => rect.w).sort((one, other) => one - other)
  const median = widths[Math.floor(widths.length / 2)] ?? 1
  return unit * Math.min(1, 0.35 + (0.65 * median * unit) / GOOD_WIDTH)
}
