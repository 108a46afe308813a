/** Every layout by its name: the same request gives the same picture. */
import { forestOf, impliedBy } from './forest'
import { alongOf, layers } from './layers'
import { map } from './map'
import { nested } from './place'
import { radial, tree } from './tree'
import type { LayoutRequest, LayoutResult } from './types'

/** A window that is a little wider gets the same picture. */
const ASPECT_STEP = 0.1

export async function runLayout({ kind, nodes, edges, options }: LayoutRequest): Promise<LayoutResult> {
  const aspect = Math.min(4, Math.max(0.4, Math.round(options.aspect / ASPECT_STEP) * ASPECT_STEP))
  const forest = forestOf(nodes, edges, options.boxesBy)
  if (kind === 'tree') return tree(nodes, forest, aspect)
  if (kind === 'radial') return radial(nodes, forest)
  if (kind === 'map') return map(nodes, forest)
  if (kind === 'layers') return layers(nodes, edges, forest, options.along ?? alongOf(edges, forest, impliedBy(forest)), aspect)
  const boxes = nested(nodes, edges, forest, { ...options, aspect })
  if (kind !== 'force') return boxes
  // Its library is needed by whoever asks for it alone.
  const { force } = await import('./force')
  return force(nodes, edges, forest, boxes)
}
