/** Twins and relationships that come, change and go while one looks. */
import { useEffect } from 'react'
import { isObject } from '@/api/json'
import type { CloudEvent } from '@/api/types'
import { edgeOf, nodeOfTwin, type StructureEdge, type StructureNode } from '@/parts/structure/structure'
import { useGraph } from '@/state/graph'
import { put, screen, takeOut, useScreen } from './store'

interface Changes { readonly nodes: Map<string, StructureNode>; readonly edges: Map<string, StructureEdge>; readonly goneTwins: Set<string>; readonly goneLines: Set<string>; newcomers: number }

/** Read what a batch of events changes in what is shown. */
export function changesOf(batch: readonly { readonly event: CloudEvent }[], label: string | undefined, whole: boolean, has: (id: string) => boolean, known: (id: string) => StructureNode | undefined): Changes {
  const changes: Changes = { nodes: new Map(), edges: new Map(), goneTwins: new Set(), goneLines: new Set(), newcomers: 0 }
  const isHere = (id: string): boolean => (has(id) && !changes.goneTwins.has(id)) || changes.nodes.has(id)
  for (const { event } of batch) {
    const kind = /\.(Twin|Relationship)\.(Create|Update|Delete)$/.exec(event.type)
    if (!kind || !isObject(event.data) || event.subject === undefined) continue
    if (kind[1] === 'Relationship') {
      const edge = edgeOf(event.data)
      if (!edge) continue
      if (kind[2] === 'Delete') { changes.edges.delete(edge.key); changes.goneLines.add(edge.key) } else if (isHere(edge.source) && isHere(edge.target)) { changes.goneLines.delete(edge.key); changes.edges.set(edge.key, edge) }
    } else if (kind[2] === 'Create') {
      const node = nodeOfTwin(event.data, label)
      if (!node) continue
      if (whole) { changes.goneTwins.delete(node.id); changes.nodes.set(node.id, node) } else if (!isHere(node.id)) changes.newcomers += 1
    } else if (kind[2] === 'Delete') {
      changes.nodes.delete(event.subject)
      if (has(event.subject)) changes.goneTwins.add(event.subject)
    } else renamed(event.subject, event.data, label, known, changes)
  }
  return changes
}

/** A patch of a name or of the model changes how a twin is shown. */
function renamed(id: string, data: Readonly<Record<string, unknown>>, label: string | undefined, known: (id: string) => StructureNode | undefined, changes: Changes): void {
  const before = changes.nodes.get(id) ?? known(id)
  const patch = data['patch']
  if (!before || !Array.isArray(patch)) return
  for (const operation of patch as readonly unknown[]) {
    if (typeof operation !== 'object' || operation === null || !('path' in operation) || !('value' in operation)) continue
    const { path, value } = operation
    if (typeof value !== 'string') continue
    const name = label === undefined ? '/name' : `/${label.replaceAll('.', '/')}`
    if (path === '/$metadata/$model') changes.nodes.set(id, { ...(changes.nodes.get(id) ?? before), model: value })
    else if (path === name || (path === '/name' && before.label === before.id)) changes.nodes.set(id, { ...(changes.nodes.get(id) ?? before), label: value })
  }
}

/** Change what is shown by what happened. */
export function follow(batch: readonly { readonly event: CloudEvent }[], label: string | undefined): void {
  const { structure, scope } = screen()
  const changes = changesOf(batch, label, scope === 'whole', (id) => structure.nodes.has(id), (id) => structure.nodes.get(id))
  const lines = [...changes.goneLines].filter((key) => structure.edges.has(key))
  if (changes.goneTwins.size > 0 || lines.length > 0) takeOut(changes.goneTwins, new Set(lines))
  if (changes.nodes.size > 0 || changes.edges.size > 0) put([...changes.nodes.values()], [...changes.edges.values()])
  if (changes.newcomers > 0) useScreen.setState((before) => ({ newcomers: before.newcomers + changes.newcomers }))
}

export function useLiveStructure(label: string | undefined): void {
  const { feed, at } = useGraph()
  useEffect(() => {
    if (at !== undefined) return undefined
    return feed.listen((batch) => { follow(batch, label) })
  }, [feed, at, label])
}
