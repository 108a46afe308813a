/** The forest of a picture as rows, and what moving a twin in it means for its relationships. */
import { path, send } from '@/api/http'
import { isObject, type JsonObject } from '@/api/json'
import type { Models } from '@/dtdl/models'
import type { Picture } from '@/graph/types'
import { edgeOf, type Structure, type StructureEdge } from '@/parts/structure/structure'
import { did, undo } from '@/state/undo'
import { t } from '@/text/text'
import { toast } from '@/ui/toasts'
import { put, takeOut } from './store'

import { allowedNames } from './connect'

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
    // As they are seen: from the top, then from the left.
    const isNested = layout.boxes.length > 0
    for (const list of this.#children.values()) list.sort((one, other) => (isNested ? Math.round(((layout.y[one] ?? 0) - (layout.y[other] ?? 0)) * 4) || (layout.x[one] ?? 0) - (layout.x[other] ?? 0) : (nodes[one]?.label ?? '').localeCompare(nodes[other]?.label ?? '', undefined, { numeric: true })))
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
    if (edge.source === id && edge.target !== to && allowedNames(models, model(id), model(to)).some((each) => each.name === edge.name)) moves.push({ name: edge.name, edge, source: id, target: to })
    else if (edge.target === id && edge.source !== to && allowedNames(models, model(to), model(id)).some((each) => each.name === edge.name)) moves.push({ name: edge.name, edge, source: to, target: id })
  }
  if (moves.length > 0) return moves
  return allowedNames(models, model(to), model(id)).map((each) => ({ name: each.name, edge: undefined, source: to, target: id }))
}

/** Create the new relationship with the old one's properties, then take the old one away; undoing does it backwards. */
export async function moveTwin(graph: string, move: Move): Promise<void> {
  const { edge } = move
  const place = (source: string, id: string): string => path('/digitaltwins/{source}/relationships/{id}', { source, id })
  const before = edge ? (await send(graph, { path: place(edge.source, edge.id) })).data : undefined
  const own: JsonObject = isObject(before) ? Object.fromEntries(Object.entries(before).filter(([name]) => !name.startsWith('$'))) : {}
  const id = crypto.randomUUID()
  const write = async (source: string, key: string, target: string): Promise<void> => {
    const { data } = await send(graph, { method: 'PUT', path: place(source, key), headers: { 'if-none-match': '*' }, body: { ...own, $targetId: target, $relationshipName: move.name } })
    const line = edgeOf(data)
    if (line) put([], [line])
  }
  const remove = async (source: string, key: string): Promise<void> => {
    await send(graph, { method: 'DELETE', path: place(source, key) })
    takeOut(new Set(), new Set([`${source}/${key}`]))
  }
  const redo = async (): Promise<void> => {
    await write(move.source, id, move.target)
    if (edge) await remove(edge.source, edge.id)
  }
  await redo()
  const name = t('graph.moved-to', { name: move.name })
  did({ name, kind: 'write', redo, undo: async () => { if (edge) await write(edge.source, edge.id, edge.target); await remove(move.source, id) } })
  toast({ text: name, act: { text: t('graph.undo'), run: () => { void undo('write') } } })
}
