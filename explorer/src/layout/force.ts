/** Forces: what is related comes near (design 4.3). */
import { MultiUndirectedGraph } from 'graphology'
import forceAtlas2 from 'graphology-layout-forceatlas2'
import type { Forest } from './forest'
import { flat, frame } from './flat'
import type { LayoutEdge, LayoutNode, LayoutResult } from './types'

const ITERATIONS = 400
/** Work that is worth waiting for; what is larger gets fewer rounds, the same on every machine. */
const MOST_WORK = 1_200_000
const LEAST_ITERATIONS = 60
const MOST_MS = 6000
const ROUND = 20
const BARNES_HUT_FROM = 1000
/** Distance that neighbours come to have. */
const APART = 1.5

export function force(nodes: readonly LayoutNode[], edges: readonly LayoutEdge[], forest: Forest, from: LayoutResult): LayoutResult {
  const graph = new MultiUndirectedGraph()
  const scale = 10 / Math.max(1, from.bounds.w)
  // Marks at one place would have no direction to leave it: a small spiral, the same each time, parts them.
  nodes.forEach((_node, index) => {
    graph.addNode(String(index), { x: ((from.x[index] ?? 0) + Math.cos(index) * 0.01) * scale * 10, y: ((from.y[index] ?? 0) + Math.sin(index) * 0.01) * scale * 10 })
  })
  edges.forEach((_edge, index) => {
    const [source, target] = [forest.ends.source[index] ?? -1, forest.ends.target[index] ?? -1]
    if (source >= 0 && target >= 0 && source !== target) graph.addUndirectedEdge(String(source), String(target))
  })
  const result = flat('force', nodes.length, forest)
  if (nodes.length > 1) run(graph)
  graph.forEachNode((key, attributes) => {
    result.x[Number(key)] = Number(attributes['x'])
    result.y[Number(key)] = Number(attributes['y'])
  })
  spread(result.x, result.y)
  return { ...result, bounds: frame(result.x, result.y) }
}

function run(graph: MultiUndirectedGraph): void {
  const settings = { ...forceAtlas2.inferSettings(graph), barnesHutOptimize: graph.order > BARNES_HUT_FROM, adjustSizes: false }
  const total = Math.max(LEAST_ITERATIONS, Math.min(ITERATIONS, Math.floor(MOST_WORK / graph.order)))
  const until = performance.now() + MOST_MS
  for (let done = 0; done < total && performance.now() < until; done += ROUND) forceAtlas2.assign(graph, { iterations: Math.min(ROUND, total - done), settings })
}

/** Scale so that marks have room: the tenth nearest of the nearest distances counts, not the mean of all. */
function spread(x: Float64Array, y: Float64Array): void {
  const nearest: number[] = []
  const order = [...x.keys()].sort((one, other) => (x[one] ?? 0) - (x[other] ?? 0))
  order.forEach((node, place) => {
    let least = Infinity
    for (let step = 1; step <= 40; step += 1) for (const other of [order[place - step], order[place + step]]) {
      if (other === undefined) continue
      least = Math.min(least, Math.hypot((x[node] ?? 0) - (x[other] ?? 0), (y[node] ?? 0) - (y[other] ?? 0)))
    }
    if (Number.isFinite(least)) nearest.push(least)
  })
  nearest.sort((one, other) => one - other)
  const typical = nearest[Math.floor(nearest.length / 4)] ?? 1
  const factor = typical > 1e-9 ? APART / typical : 1
  for (let index = 0; index < x.length; index += 1) { x[index] = (x[index] ?? 0) * factor; y[index] = (y[index] ?? 0) * factor }
}
