/** The forest of a picture as rows, and what moving a twin in it means for its relationships. */
import type { JsonObject } from '@/api/json'
import type { Models } from '@/dtdl/models'
import type { Picture } from '@/graph/types'
import { allowed } from '@/parts/create-twin/fitting'
import { readRelationship } from '@/parts/relationships'
import { takingBack } from '@/parts/unchanged'
import { wrote } from '@/parts/undoable'
import { newUuid } from '@/parts/values/show'
import { batch, type BatchOperation } from '@/parts/writing'
import type { Structure, StructureEdge } from '@/parts/structure/structure'
import { t } from '@/text/text'


export interface OutlineRow { readonly id: string; readonly depth: number; readonly open: boolean | undefined; readonly count: number }

export class Forest {
  readonly #children = new Map<number, number[]>()

  constructor(private readonly picture: Picture) {
    const { nodes, layout } = picture
    nodes.forEach((_node, index) => {
      const up = layout.parent[index] ?? -1
      const list = this.#children.get(up)
      if (list) list.push(index)
      else this.#children.set(up, [index])
    })
    // Boxes first, then as they are seen: from the top, then from the left.
    const isNested = layout.boxes.length > 0
    const isLeaf = (index: number): number => Number(!this.#children.has(index))
    for (const list of this.#children.values()) list.sort((one, other) => isLeaf(one) - isLeaf(other) || (isNested ? Math.round(((layout.y[one] ?? 0) - (layout.y[other] ?? 0)) * 4) || (layout.x[one] ?? 0) - (layout.x[other] ?? 0) : (nodes[one]?.label ?? '').localeCompare(nodes[other]?.label ?? '', undefined, { numeric: true })))
  }

  /** The ids of what is open at first. */
  opened(depth: number): ReadonlySet<string> {
    const found = new Set<string>()
    const walk = (index: number, level: number): void => {
      if (level >= depth) return
      for (const child of this.#children.get(index) ?? []) { found.add(this.picture.nodes[child]?.id ?? ''); walk(child, level + 1) }
    }
    walk(-1, 0)
    return found
  }

  rows(open: ReadonlySet<string>, sought: string, chosen: string | undefined): readonly OutlineRow[] {
    const { nodes, layout } = this.picture
    const text = sought.trim().toLowerCase()
    const kept = text === '' ? undefined : this.#matching(text)
    const line = new Set<number>()
    for (let at = layout.parent[nodes.findIndex((node) => node.id === chosen)] ?? -1; at >= 0; at = layout.parent[at] ?? -1) line.add(at)
    const rows: OutlineRow[] = []
    const walk = (index: number, depth: number): void => {
      const id = nodes[index]?.id
      if (id === undefined || (kept && !kept.has(index))) return
      const inner = this.#children.get(index) ?? []
      const isOpen = kept !== undefined || open.has(id) || line.has(index)
      rows.push({ id, depth, open: inner.length === 0 ? undefined : isOpen, count: inner.length })
      if (isOpen) for (const child of inner) walk(child, depth + 1)
    }
    for (const root of this.#children.get(-1) ?? []) walk(root, 0)
    return rows
  }

  #matching(text: string): ReadonlySet<number> {
    const { nodes, layout } = this.picture
    const kept = new Set<number>()
    nodes.forEach((node, index) => {
      if (!node.label.toLowerCase().includes(text) && !node.id.toLowerCase().includes(text)) return
      for (let at = index; at >= 0 && !kept.has(at); at = layout.parent[at] ?? -1) kept.add(at)
    })
    return kept
  }
}

/** A relationship that is replaced by one that leads elsewhere; without `edge` it is new. */
export interface Move { readonly name: string; readonly edge: StructureEdge | undefined; readonly source: string; readonly target: string }

/** How a twin can be moved to another: the relationships to where it lies, turned to the other where models allow it. */
export function movesOf(structure: Structure, models: Models, id: string, to: string): readonly Move[] {
  const model = (twin: string): string => structure.nodes.get(twin)?.model ?? ''
  const moves: Move[] = []
  for (const edge of structure.edges.values()) {
    if (edge.source === id && edge.target !== to && allowed(models, model(id), model(to)).some((each) => each.name === edge.name)) moves.push({ name: edge.name, edge, source: id, target: to })
    else if (edge.target === id && edge.source !== to && allowed(models, model(to), model(id)).some((each) => each.name === edge.name)) moves.push({ name: edge.name, edge, source: to, target: id })
  }
  if (moves.length > 0) return moves
  return allowed(models, model(to), model(id)).map((each) => ({ name: each.name, edge: undefined, source: to, target: id }))
}

/** Make the new relationship with the old one's properties and take the old one away, together; undoing does it backwards. */
export async function moveTwin(graph: string, move: Move): Promise<void> {
  const { edge } = move
  const before = edge ? await readRelationship(graph, edge.source, edge.id) : undefined
  const own: JsonObject = before ? Object.fromEntries(Object.entries(before).filter(([name]) => !name.startsWith('$'))) : {}
  const id = newUuid()
  const making = (source: string, key: string, target: string): BatchOperation => ({ op: 'put', kind: 'relationship', source, id: key, ifNoneMatch: '*', body: { ...own, $targetId: target, $relationshipName: move.name } })
  const taking = (source: string, key: string): BatchOperation => ({ op: 'delete', kind: 'relationship', source, id: key })
  const [there, back] = [making(move.source, id, move.target), edge && making(edge.source, edge.id, edge.target)]
  await batch(graph, [there, ...(edge ? [taking(edge.source, edge.id)] : [])])
  wrote(t('graph.moved-to', { name: move.name }),
    async () => { await batch(graph, [...(back ? [back] : []), ...await takingBack(graph, [there])]) },
    async () => { await batch(graph, [there, ...(back ? await takingBack(graph, [back]) : [])]) })
}
