/** From structure and layout to what is drawn. */
import type { Models } from '@/dtdl/models'
import type { GraphEdge, GraphNode, Picture } from '@/graph/types'
import { isSymmetric } from '@/layout/names'
import type { LayoutEdge, LayoutNode, LayoutResult } from '@/layout/types'
import { lookOf } from '@/state/looks'
import type { Look } from '@/ui/mark'
import type { Structure } from './structure'

export function layoutInput(structure: Structure): { readonly nodes: readonly LayoutNode[]; readonly edges: readonly LayoutEdge[] } {
  return { nodes: [...structure.nodes.values()], edges: [...structure.edges.values()].map(({ source, target, name }) => ({ source, target, name })) }
}

/** `moved` are places that were given by hand in this layout. */
export function pictureOf(structure: Structure, layout: LayoutResult, models: Models, slots?: Readonly<Record<string, number>>, moved?: Readonly<Record<string, readonly [number, number]>>): Picture {
  const looks = new Map<string, Look>()
  const look = (model: string): Look => {
    let known = looks.get(model)
    if (!known) looks.set(model, known = lookOf(models, model, slots))
    return known
  }
  const symmetric = new Map<string, boolean>()
  const isMutual = (name: string): boolean => {
    let known = symmetric.get(name)
    if (known === undefined) symmetric.set(name, known = isSymmetric(name))
    return known
  }
  const nodes = [...structure.nodes.values()].map((node): GraphNode => {
    const model = models.get(node.model)
    return { id: node.id, model: node.model, label: node.label, look: look(node.model), orphan: models.all.length > 0 && !model, ...(model && { modelName: models.name(node.model) }) }
  })
  const edges = [...structure.edges.values()].map((edge): GraphEdge => ({ ...edge, symmetric: isMutual(edge.name) }))
  if (!moved || layout.boxes.length > 0) return { nodes, edges, layout }
  const x = layout.x.slice()
  const y = layout.y.slice()
  nodes.forEach((node, index) => {
    const at = moved[node.id]
    if (at) { x[index] = at[0]; y[index] = at[1] }
  })
  return { nodes, edges, layout: { ...layout, x, y } }
}
