/** Left to right along one relationship (design 4.3). */
import type { Forest } from './forest'
import { flat, frame } from './flat'
import type { LayoutEdge, LayoutNode, LayoutResult } from './types'

export const MOST_LAYERED = 1500
const NODE_GAP = 1.5
const RANK_GAP = 9
const EDGE_GAP = 0.3
const MARK = 1

/** The relationship that layers go along: that with most lines which makes no boxes, else the one with most. */
export function alongOf(edges: readonly LayoutEdge[], forest: Forest, implied: Uint8Array): string | undefined {
  const counts = new Map<string, number>()
  const all = new Map<string, number>()
  edges.forEach((edge, index) => {
    all.set(edge.name, (all.get(edge.name) ?? 0) + 1)
    if (implied[index] !== 1) counts.set(edge.name, (counts.get(edge.name) ?? 0) + 1)
  })
  const used = new Set(forest.containments.filter((each) => each.used).map((each) => each.name))
  const most = (from: Iterable<[string, number]>): string | undefined => [...from].sort((one, other) => other[1] - one[1] || (one[0] < other[0] ? -1 : 1))[0]?.[0]
  return most([...counts].filter(([name]) => !used.has(name) && !isMutual(name, edges, forest))) ?? most(all)
}

/** Whether most lines of a name have one back: there is no order along it. */
function isMutual(name: string, edges: readonly LayoutEdge[], { ends }: Forest): boolean {
  const keys = new Set<string>()
  let total = 0
  let back = 0
  edges.forEach((edge, index) => {
    if (edge.name !== name) return
    total += 1
    const [from, to] = [ends.source[index] ?? -1, ends.target[index] ?? -1]
    if (keys.has(`${to} ${from}`)) back += 2
    keys.add(`${from} ${to}`)
  })
  return back * 2 > total || /adjacent|next|neighbo/i.test(name)
}

export async function layers(nodes: readonly LayoutNode[], edges: readonly LayoutEdge[], forest: Forest, along: string | undefined, aspect: number): Promise<LayoutResult> {
  const { Graph, layout } = await import('@dagrejs/dagre')
  const graph = new Graph({ multigraph: false })
  graph.setGraph({ rankdir: 'LR', nodesep: NODE_GAP, edgesep: EDGE_GAP, ranksep: RANK_GAP, ranker: 'network-simplex' })
  graph.setDefaultEdgeLabel(() => ({}))
  const used = new Set<number>()
  const pairs: [number, number][] = []
  edges.forEach((edge, index) => {
    const [source, target] = [forest.ends.source[index] ?? -1, forest.ends.target[index] ?? -1]
    if (edge.name !== along || source < 0 || target < 0 || source === target) return
    if (!used.has(source) && !used.has(target) && used.size + 2 > MOST_LAYERED) return
    used.add(source).add(target)
    pairs.push([source, target])
  })
  const order = [...used].sort((one, other) => ((nodes[one]?.id ?? '') < (nodes[other]?.id ?? '') ? -1 : 1))
  for (const node of order) graph.setNode(String(node), { width: MARK, height: MARK })
  for (const [source, target] of pairs) graph.setEdge(String(source), String(target))
  layout(graph)
  const result = flat('layers', nodes.length, forest)
  result.absent.fill(1)
  for (const node of order) {
    const at = graph.node(String(node)) as { x?: number; y?: number }
    result.x[node] = at.x ?? 0
    result.y[node] = at.y ?? 0
    result.absent[node] = 0
  }
  // Many things in few layers are much higher than wide: the layers stand so far apart that they fill the view.
  const bounds = frame(result.x, result.y, result.absent)
  const factor = Math.max(1, (bounds.h * aspect) / bounds.w)
  result.x.forEach((x, node) => { result.x[node] = x * factor })
  return { ...result, bounds: frame(result.x, result.y, result.absent) }
}
