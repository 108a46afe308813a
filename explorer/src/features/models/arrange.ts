import type { Models } from '@/dtdl/models'

export const CARD = { w: 168, h: 44 }
const GAP = { node: 24, rank: 56, wrap: 8 }

export type LineKind = 'extends' | 'component' | 'relationship'
export interface Line { readonly key: string; readonly from: string; readonly to: string; readonly kind: LineKind; readonly name: string }
export interface Arranged { readonly places: ReadonlyMap<string, { readonly x: number; readonly y: number }>; readonly width: number; readonly height: number }

/** Lines between models, one of each kind and name. */
export function linesOf(models: Models, ids: readonly string[]): readonly Line[] {
  const there = new Set(ids)
  const lines = ids.flatMap((id): Line[] => {
    const model = models.get(id)
    if (!model) return []
    const heirs = model.extends.map((to): Line => ({ key: `${id}>${to}`, from: id, to, kind: 'extends', name: '' }))
    const own = model.contents.filter((each) => each.definedBy === id).flatMap((each): Line[] => {
      const to = each.kind === 'component' ? each.model : each.kind === 'relationship' ? each.target : undefined
      return to === undefined || (each.kind !== 'component' && each.kind !== 'relationship') ? [] : [{ key: `${id}.${each.name}`, from: id, to, kind: each.kind, name: each.name }]
    })
    return [...heirs, ...own]
  })
  return lines.filter((line) => there.has(line.to) && line.to !== line.from)
}

/** Place the cards: heirs below, ranks of more than eight siblings wrapped into two rows (design 4.3). */
export async function arrange(models: Models, ids: readonly string[]): Promise<Arranged> {
  const { graphlib, layout } = await import('@dagrejs/dagre')
  const graph = new graphlib.Graph()
  graph.setGraph({ rankdir: 'TB', nodesep: GAP.node, ranksep: GAP.rank })
  graph.setDefaultEdgeLabel(() => ({}))
  const there = new Set(ids)
  for (const id of ids) graph.setNode(id, { width: CARD.w, height: CARD.h })
  for (const id of ids) for (const base of models.get(id)?.extends ?? []) if (there.has(base)) graph.setEdge(base, id, { minlen: lowered(models, base, id) ? 2 : 1 })
  layout(graph)
  const places = new Map(ids.map((id) => { const { x, y } = graph.node(id); return [id, { x, y }] as const }))
  const label = graph.graph()
  return { places, width: Math.max(CARD.w, label.width ?? 0), height: Math.max(CARD.h, label.height ?? 0) }
}

/** Every second leaf of a wide rank goes one row down. */
function lowered(models: Models, base: string, id: string): boolean {
  const siblings = models.children(base)
  return siblings.length > GAP.wrap && models.children(id).length === 0 && siblings.indexOf(id) % 2 === 1
}
