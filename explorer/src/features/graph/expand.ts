/** Bring neighbours that are not shown yet: never more than one asked for, in one step that can be undone (design 5.1). */
import { type Asked, linesOf, nodesById } from '@/parts/structure/load'
import type { StructureEdge } from '@/parts/structure/structure'
import { visitNow } from '@/state/leaving'
import { add, screen } from './store'

export const FEW = 25

export type Ends = 'out' | 'in' | 'both'

/** What there is around some twins that is not shown, by name and direction. */
export interface Around {
  readonly ids: readonly string[]
  /** Lines to twins that are not shown. */
  readonly lines: readonly StructureEdge[]
  /** Lines to twins that are shown, but are not shown themselves. */
  readonly inner: readonly StructureEdge[]
}

export interface NameCount { readonly name: string; readonly ends: 'out' | 'in'; readonly count: number }

export async function around(asked: Asked, ids: readonly string[], ends: Ends = 'both'): Promise<Around> {
  const { structure } = screen()
  const all = await linesOf(asked, ids, ends)
  const isShown = (id: string): boolean => structure.nodes.has(id)
  return {
    ids, lines: all.filter((line) => !isShown(line.source) || !isShown(line.target)),
    inner: all.filter((line) => isShown(line.source) && isShown(line.target) && !structure.edges.has(line.key)),
  }
}

/** The twins at the other ends of lines that are not shown. */
export function newTwins(lines: readonly StructureEdge[]): readonly string[] {
  const { structure } = screen()
  return [...new Set(lines.flatMap((line) => [line.source, line.target]))].filter((id) => !structure.nodes.has(id))
}

export function namesIn({ ids, lines }: Around): readonly NameCount[] {
  const here = new Set(ids)
  const counts = new Map<string, NameCount>()
  for (const line of lines) {
    const ends = here.has(line.source) ? 'out' : 'in'
    const key = `${ends} ${line.name}`
    counts.set(key, { name: line.name, ends, count: (counts.get(key)?.count ?? 0) + 1 })
  }
  return [...counts.values()].sort((one, other) => other.count - one.count || (one.name < other.name ? -1 : 1))
}

/** Add the twins at the ends of lines, at most `most`; and every line among all that is shown then. */
export async function expand(asked: Asked, found: Around, options: { readonly name?: string; readonly ends?: 'out' | 'in'; readonly most?: number } = {}): Promise<void> {
  const visit = visitNow()
  const here = new Set(found.ids)
  const lines = found.lines.filter((line) => (options.name === undefined || line.name === options.name) && (options.ends === undefined || (options.ends === 'out' ? here.has(line.source) : here.has(line.target))))
  const ids = newTwins(lines).slice(0, options.most ?? Infinity)
  const [nodes, among] = await Promise.all([nodesById(asked, ids), linesOf(asked, ids, 'both')])
  if (visit === visitNow()) add(nodes, [...found.inner, ...lines, ...among])
}

/** Several levels at once, each of what the one before brought. */
export async function expandLevels(asked: Asked, ids: readonly string[], ends: Ends, levels: number, most: number): Promise<void> {
  const visit = visitNow()
  const { structure } = screen()
  const lines = new Map<string, StructureEdge>()
  const found = new Set<string>()
  let level = ids
  for (let depth = 0; depth < levels && visit === visitNow() && level.length > 0 && found.size < most; depth += 1) {
    const all = await linesOf(asked, level, ends)
    for (const line of all) lines.set(line.key, line)
    level = [...new Set(all.flatMap((line) => [line.source, line.target]))].filter((id) => !structure.nodes.has(id) && !found.has(id)).slice(0, most - found.size)
    for (const id of level) found.add(id)
  }
  const fresh = [...found]
  const [nodes, among] = await Promise.all([nodesById(asked, fresh), linesOf(asked, fresh, 'both')])
  if (visit === visitNow()) add(nodes, [...lines.values(), ...among])
}
