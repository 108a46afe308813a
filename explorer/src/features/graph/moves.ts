/** Where the arrow keys and Tab go from a mark. Pure. */
import type { Picture } from '@/graph/types'

export type Direction = 'up' | 'down' | 'left' | 'right'

const WAYS: Readonly<Record<Direction, readonly [number, number]>> = { up: [0, -1], down: [0, 1], left: [-1, 0], right: [1, 0] }
/** What lies off to the side counts as farther than what lies ahead. */
const ASIDE = 2.5

export function nearest(picture: Picture, hidden: ReadonlySet<string>, from: string | undefined, direction: Direction): string | undefined {
  const { nodes, layout } = picture
  const start = nodes.findIndex((node) => node.id === from)
  if (start < 0) return nodes.find((node, index) => !hidden.has(node.id) && (layout.parent[index] ?? -1) < 0)?.id ?? nodes.find((node) => !hidden.has(node.id))?.id
  const [wx, wy] = WAYS[direction]
  let best: { readonly id: string; readonly distance: number } | undefined
  nodes.forEach((node, index) => {
    if (index === start || hidden.has(node.id)) return
    const [dx, dy] = [(layout.x[index] ?? 0) - (layout.x[start] ?? 0), (layout.y[index] ?? 0) - (layout.y[start] ?? 0)]
    const ahead = dx * wx + dy * wy
    const aside = Math.abs(dx * wy) + Math.abs(dy * wx)
    if (ahead <= 0.05 || aside > ahead * 3) return
    const distance = ahead + aside * ASIDE
    if (!best || distance < best.distance) best = { id: node.id, distance }
  })
  return best?.id
}

/** The neighbours of a twin, by the name of the line and then by label. */
export function neighbours(picture: Picture, id: string): readonly string[] {
  const labels = new Map(picture.nodes.map((node) => [node.id, node.label]))
  const found = picture.edges.flatMap((edge) => (edge.source === id ? [[edge.name, edge.target] as const] : edge.target === id ? [[edge.name, edge.source] as const] : []))
  return [...new Set(found.sort(([a, x], [b, y]) => (a < b ? -1 : a > b ? 1 : (labels.get(x) ?? '').localeCompare(labels.get(y) ?? ''))).map(([, other]) => other))].filter((other) => labels.has(other))
}

/** A shortest way between two twins along lines, whatever their direction. */
export function wayBetween(edges: Iterable<{ readonly key: string; readonly source: string; readonly target: string }>, from: string, to: string): { readonly twins: readonly string[]; readonly lines: readonly string[] } | undefined {
  const at = new Map<string, (readonly [string, string])[]>()
  const note = (one: string, other: string, key: string): void => {
    const list = at.get(one)
    if (list) list.push([other, key])
    else at.set(one, [[other, key]])
  }
  for (const edge of edges) { note(edge.source, edge.target, edge.key); note(edge.target, edge.source, edge.key) }
  const cameBy = new Map<string, readonly [string, string] | undefined>([[from, undefined]])
  const queue = [from]
  for (let next = 0; next < queue.length && !cameBy.has(to); next += 1) {
    const here = queue[next] ?? ''
    for (const [other, key] of at.get(here) ?? []) if (!cameBy.has(other)) { cameBy.set(other, [here, key]); queue.push(other) }
  }
  if (!cameBy.has(to)) return undefined
  const twins = [to]
  const lines: string[] = []
  for (let step = cameBy.get(to); step; step = cameBy.get(step[0])) { twins.unshift(step[0]); lines.unshift(step[1]) }
  return { twins, lines }
}

/** Everything that is reached from a twin along lines. */
export function connectedTo(edges: Iterable<{ readonly source: string; readonly target: string }>, from: string): ReadonlySet<string> {
  const all = [...edges]
  const at = new Map<string, string[]>()
  for (const { source, target } of all) for (const [one, other] of [[source, target], [target, source]] as const) {
    const list = at.get(one)
    if (list) list.push(other)
    else at.set(one, [other])
  }
  const found = new Set([from])
  for (const id of found) for (const other of at.get(id) ?? []) found.add(other)
  return found
}
