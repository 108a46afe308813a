/** Finds in the relationships what lies in what (design 4.1). */
import { familyOf, isSymmetric } from './names'
import { ranksOf } from './natural'
import type { Containment, LayoutEdge, LayoutNode } from './types'

export interface Forest {
  /** Index of the node around each node, or -1. */
  readonly parent: Int32Array
  /** In their order: boxes first, then by model, then by id. */
  readonly children: readonly (readonly number[])[]
  readonly roots: readonly number[]
  readonly depth: Int32Array
  /** Nodes below each node. */
  readonly count: Int32Array
  readonly containments: readonly Containment[]
  readonly contained: number
  /** Ends of each edge as indexes of nodes, -1 where there is none. */
  readonly ends: Ends
}

export interface Ends { readonly source: Int32Array; readonly target: Int32Array }

const LEAST_FIT = 0.55
const LEAST_SCORE = 0.32
const PRIOR_WEIGHT = 0.7
/** A name that says nothing makes boxes only where these hold several things: a chain is no containment. */
const LEAST_FAN = 1.5
/** Things of one kind that hold each other by a name that says nothing are rather a web than boxes, unless each holds many. */
const LEAST_FAN_ALIKE = 3
const DEEPEST = 16
const PASSES = 3

export function forestOf(nodes: readonly LayoutNode[], edges: readonly LayoutEdge[], boxesBy?: readonly string[]): Forest {
  const ends = endsOf(nodes, edges)
  const ranks = ranksOf(nodes.map((node) => node.id))
  const containments = containmentsOf(nodes, edges, ends, boxesBy)
  const parent = new Int32Array(nodes.length).fill(-1)
  for (const containment of containments) if (containment.used) adopt(containment, edges, ends, ranks, parent)
  adoptStrays(ends, ranks, parent)
  flatten(parent)
  return finished(nodes, ranks, parent, containments, ends)
}

export function endsOf(nodes: readonly LayoutNode[], edges: readonly LayoutEdge[]): Ends {
  const indexes = new Map(nodes.map((node, index) => [node.id, index]))
  return {
    source: Int32Array.from(edges, (edge) => indexes.get(edge.source) ?? -1),
    target: Int32Array.from(edges, (edge) => indexes.get(edge.target) ?? -1),
  }
}

/** How many of `from` have exactly one of `to`, and how many `to` there are for each. */
class Fit {
  readonly #partners = new Map<number, number>()
  readonly #others = new Set<number>()

  add(from: number, to: number): void {
    const known = this.#partners.get(from)
    this.#partners.set(from, known === undefined || known === to ? to : -1)
    this.#others.add(to)
  }

  get share(): number {
    if (this.#partners.size === 0) return 0
    let single = 0
    for (const partner of this.#partners.values()) if (partner >= 0) single += 1
    return single / this.#partners.size
  }

  get fan(): number { return this.#partners.size / Math.max(1, this.#others.size) }
}

function containmentsOf(nodes: readonly LayoutNode[], edges: readonly LayoutEdge[], ends: Ends, boxesBy: readonly string[] | undefined): readonly Containment[] {
  const fits = new Map<string, { readonly down: Fit; readonly up: Fit; lines: number; alike: number }>()
  edges.forEach((edge, index) => {
    const source = ends.source[index] ?? -1
    const target = ends.target[index] ?? -1
    if (source < 0 || target < 0 || source === target) return
    let fit = fits.get(edge.name)
    if (!fit) fits.set(edge.name, fit = { down: new Fit(), up: new Fit(), lines: 0, alike: 0 })
    fit.down.add(target, source)
    fit.up.add(source, target)
    fit.lines += 1
    if (nodes[source]?.model === nodes[target]?.model) fit.alike += 1
  })
  const found = [...fits].map(([name, { down, up, lines, alike }]): Containment => {
    const family = familyOf(name)
    const direction = family.direction ?? (up.share > down.share || (up.share === down.share && up.fan > down.fan) ? 'up' : 'down')
    const fit = direction === 'down' ? down : up
    const score = PRIOR_WEIGHT * family.prior + (1 - PRIOR_WEIGHT) * fit.share
    const good = !isSymmetric(name) && fit.share >= LEAST_FIT && score >= LEAST_SCORE && (family.prior > 0.1 || fit.fan >= (alike * 2 > lines ? LEAST_FAN_ALIKE : LEAST_FAN))
    return { name, direction, fit: fit.share, score, used: boxesBy ? boxesBy.includes(name) : good }
  })
  const place = (name: string): number => {
    const at = boxesBy?.indexOf(name) ?? -1
    return at < 0 ? Infinity : at
  }
  return found.sort((one, other) => (place(one.name) === place(other.name) ? 0 : place(one.name) - place(other.name)) || other.score - one.score || (one.name < other.name ? -1 : 1))
}

/** Give each node that has none yet its parent by one relationship name; of several the first by id. */
function adopt({ name, direction }: Containment, edges: readonly LayoutEdge[], ends: Ends, ranks: Int32Array, parent: Int32Array): void {
  const [parents, children] = direction === 'down' ? [ends.source, ends.target] : [ends.target, ends.source]
  const wanted = new Map<number, number[]>()
  edges.forEach((edge, index) => {
    const up = parents[index] ?? -1
    const child = children[index] ?? -1
    if (edge.name !== name || up < 0 || child < 0 || up === child || (parent[child] ?? -1) >= 0) return
    const list = wanted.get(child)
    if (list) list.push(up)
    else wanted.set(child, [up])
  })
  const inOrder = [...wanted].sort(([one], [other]) => (ranks[one] ?? 0) - (ranks[other] ?? 0))
  for (const [child, candidates] of inOrder) {
    candidates.sort((one, other) => (ranks[one] ?? 0) - (ranks[other] ?? 0))
    const chosen = candidates.find((candidate) => !isWithin(parent, candidate, child))
    if (chosen !== undefined) parent[child] = chosen
  }
}

function isWithin(parent: Int32Array, node: number, outer: number): boolean {
  for (let at = node; at >= 0; at = parent[at] ?? -1) if (at === outer) return true
  return false
}

/** Path from the root to a node. */
export function lineOf(parent: Int32Array, node: number): number[] {
  const line: number[] = []
  for (let at = node; at >= 0; at = parent[at] ?? -1) line.push(at)
  return line.reverse()
}

/** Nodes that lie in nothing and hold nothing go where their neighbours meet. */
function adoptStrays(ends: Ends, ranks: Int32Array, parent: Int32Array): void {
  for (let pass = 0; pass < PASSES; pass += 1) {
    const holds = new Uint8Array(parent.length)
    parent.forEach((up) => { if (up >= 0) holds[up] = 1 })
    const neighbours = new Map<number, number[]>()
    const note = (stray: number, other: number): void => {
      if (stray === other || (parent[stray] ?? -1) >= 0 || holds[stray] === 1) return
      if ((parent[other] ?? -1) < 0 && holds[other] === 0) return
      const list = neighbours.get(stray)
      if (list) list.push(other)
      else neighbours.set(stray, [other])
    }
    ends.source.forEach((source, index) => {
      const target = ends.target[index] ?? -1
      if (source < 0 || target < 0) return
      note(source, target)
      note(target, source)
    })
    if (neighbours.size === 0) return
    for (const [stray, others] of [...neighbours].sort(([one], [other]) => (ranks[one] ?? 0) - (ranks[other] ?? 0))) {
      const meeting = meetingOf(others, holds, parent)
      if (meeting >= 0 && !isWithin(parent, meeting, stray)) parent[stray] = meeting
    }
  }
}

/** The lowest box around all of some nodes, or -1. */
function meetingOf(nodes: readonly number[], holds: Uint8Array, parent: Int32Array): number {
  const [first, ...rest] = nodes.map((node) => lineOf(parent, node))
  if (!first) return -1
  let shared = first.length
  for (const line of rest) {
    let same = 0
    while (same < shared && same < line.length && line[same] === first[same]) same += 1
    shared = same
  }
  for (let at = shared - 1; at >= 0; at -= 1) {
    const node = first[at] ?? -1
    if (node >= 0 && holds[node] === 1) return node
  }
  return -1
}

/** Deeper than anybody can see, and deeper than a stack of calls should go: those lie side by side. */
function flatten(parent: Int32Array): void {
  const depths = depthsOf(parent)
  if (!depths.some((depth) => depth > DEEPEST)) return
  const before = parent.slice()
  depths.forEach((depth, node) => {
    if (depth > DEEPEST) parent[node] = lineOf(before, node)[DEEPEST - 1] ?? -1
  })
}

function depthsOf(parent: Int32Array): Int32Array {
  const depths = new Int32Array(parent.length).fill(-1)
  const path: number[] = []
  for (let node = 0; node < parent.length; node += 1) {
    let at = node
    while (at >= 0 && (depths[at] ?? 0) < 0) { path.push(at); at = parent[at] ?? -1 }
    let depth = at < 0 ? -1 : depths[at] ?? 0
    for (let each = path.pop(); each !== undefined; each = path.pop()) { depth += 1; depths[each] = depth }
  }
  return depths
}

function finished(nodes: readonly LayoutNode[], ranks: Int32Array, parent: Int32Array, containments: readonly Containment[], ends: Ends): Forest {
  const children: number[][] = nodes.map(() => [])
  const roots: number[] = []
  parent.forEach((up, node) => { (up < 0 ? roots : children[up] ?? roots).push(node) })
  const models = ranksOf(nodes.map((node) => node.model))
  // Equal models have different ranks: what counts is the rank of the first of them.
  const firstOf = new Map<string, number>()
  nodes.forEach((node, index) => { firstOf.set(node.model, Math.min(firstOf.get(node.model) ?? Infinity, models[index] ?? 0)) })
  const order = (one: number, other: number): number =>
    Number((children[other]?.length ?? 0) > 0) - Number((children[one]?.length ?? 0) > 0)
    || (firstOf.get(nodes[one]?.model ?? '') ?? 0) - (firstOf.get(nodes[other]?.model ?? '') ?? 0)
    || (ranks[one] ?? 0) - (ranks[other] ?? 0)
  for (const list of [roots, ...children]) list.sort(order)
  const depth = depthsOf(parent)
  const count = new Int32Array(nodes.length)
  const deepestFirst = [...depth.keys()].sort((one, other) => (depth[other] ?? 0) - (depth[one] ?? 0))
  for (const node of deepestFirst) {
    const up = parent[node] ?? -1
    if (up >= 0) count[up] = (count[up] ?? 0) + (count[node] ?? 0) + 1
  }
  const contained = nodes.length === 0 ? 0 : (nodes.length - roots.length) / nodes.length
  return { parent, children, roots, depth, count, containments, contained, ends }
}

/** By edge: 1 where one end lies directly in the other. */
export function impliedBy(forest: Forest): Uint8Array {
  const { source, target } = forest.ends
  return Uint8Array.from(source, (from, index) => {
    const to = target[index] ?? -1
    return from >= 0 && to >= 0 && (forest.parent[from] === to || forest.parent[to] === from) ? 1 : 0
  })
}
