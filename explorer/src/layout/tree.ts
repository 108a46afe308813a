/** The forest as a tidy tree, and as rings (design 4.3). */
import { cluster, hierarchy, type HierarchyPointNode, tree as tidy } from 'd3-hierarchy'
import { type Forest, impliedBy } from './forest'
import { flat, frame } from './flat'
import type { LayoutNode, LayoutResult } from './types'

const DEPTH_STEP = 8
const SIBLING_STEP = 1.5
const APART = 1.4
const LEAST_RING = 6
/** Leaves of one twin stand in rows beside it: in a column they would make a tree that nobody can read. */
const ROW = 8
const LEAF_STEP = 6
const LEAF_APART = 3

interface Item { readonly node: number; readonly leaves: readonly number[]; readonly rows: number; readonly children: readonly Item[] }

function itemOf(forest: Forest, node: number, list: readonly number[]): Item {
  const inner = list.filter((each) => (forest.children[each]?.length ?? 0) > 0)
  const leaves = list.filter((each) => (forest.children[each]?.length ?? 0) === 0)
  const children = inner.map((each) => itemOf(forest, each, forest.children[each] ?? []))
  const group: Item[] = leaves.length === 0 ? [] : [{ node: -1, leaves, rows: Math.ceil(leaves.length / ROW), children: [] }]
  return { node, leaves: [], rows: 1, children: [...children, ...group] }
}

export function tree(nodes: readonly LayoutNode[], forest: Forest, aspect: number): LayoutResult {
  const first = forest.roots.length === 1 ? 1 : 0
  const laid = tidy<Item>().nodeSize([SIBLING_STEP, 1])
    .separation((one, other) => (one.data.rows + other.data.rows) / 2 * (one.parent === other.parent ? 1 : APART))(hierarchy(itemOf(forest, -1, forest.roots), (each) => [...each.children]))
  const all = laid.descendants()
  const tops = all.map((each) => each.x)
  const height = tops.reduce((most, each) => Math.max(most, each), -Infinity) - tops.reduce((least, each) => Math.min(least, each), Infinity)
  const inner = all.reduce((most, each) => (each.data.node >= 0 ? Math.max(most, each.depth) : most), 0)
  const levels = Math.max(1, inner - first)
  // A tree is much higher than wide: its levels stand so far apart that it fills the view.
  const step = Math.max(DEPTH_STEP, (height * aspect - LEAF_STEP - ROW * LEAF_APART) / levels)
  const x = new Float64Array(nodes.length)
  const y = new Float64Array(nodes.length)
  for (const each of all) {
    const across = (each.depth - first) * step
    if (each.data.node >= 0) [x[each.data.node], y[each.data.node]] = [across, each.x]
    each.data.leaves.forEach((leaf, index) => {
      const row = Math.floor(index / ROW) - (each.data.rows - 1) / 2
      ;[x[leaf], y[leaf]] = [across - step + LEAF_STEP + (index % ROW) * LEAF_APART, each.x + row * SIBLING_STEP]
    })
  }
  return { ...flat('tree', nodes.length, forest), x, y, implied: impliedBy(forest), bounds: frame(x, y) }
}

interface Plain { readonly node: number; readonly children: readonly Plain[] }

export function radial(nodes: readonly LayoutNode[], forest: Forest): LayoutResult {
  const plain = (node: number): Plain => ({ node, children: (forest.children[node] ?? []).map(plain) })
  const first = forest.roots.length === 1 ? 1 : 0
  const laid: HierarchyPointNode<Plain> = cluster<Plain>().size([2 * Math.PI, 1])
    .separation((one, other) => (one.parent === other.parent ? 1 : APART))(hierarchy<Plain>({ node: -1, children: forest.roots.map(plain) }, (each) => [...each.children]))
  const levels = Math.max(1, laid.height - first)
  const radius = Math.max(LEAST_RING * levels, (laid.leaves().length * SIBLING_STEP) / (2 * Math.PI))
  const x = new Float64Array(nodes.length)
  const y = new Float64Array(nodes.length)
  for (const each of laid.descendants()) {
    if (each.data.node < 0) continue
    const ring = (each.children ? Math.max(0, each.depth - first) : levels) / levels
    x[each.data.node] = Math.sin(each.x) * ring * radius
    y[each.data.node] = -Math.cos(each.x) * ring * radius
  }
  return { ...flat('radial', nodes.length, forest), x, y, implied: impliedBy(forest), bounds: frame(x, y) }
}
