/** How the picture looks just now: what is selected, hidden, bright, and what values it shows. */
import { useMemo } from 'react'
import type { Models } from '@/dtdl/models'
import type { Looks, ShownValue } from '@/graph/types'
import { draftsOf } from '@/state/drafts'
import { useGraph } from '@/state/graph'
import { useShown } from '@/state/shown'
import type { Structure } from '@/parts/structure/structure'
import { useScreen } from './store'
import { useMainValues, type Lens } from './useLens'
import { hiddenNames, hiddenTwins, type View } from './view'

export interface ShownLooks { readonly looks: Looks; readonly many: ReadonlySet<string>; readonly off: ReadonlySet<string> }

export function useLooks(view: View, models: Models, lens: Lens | undefined): ShownLooks {
  const { name, at } = useGraph()
  const { structure, picture, state, hits, pointed, gone } = useScreen()
  const highlighted = useShown((shown) => shown.highlighted)
  const differences = useShown((shown) => shown.differences)
  const layout = picture?.layout
  const { show, hide, selection } = view
  const names = useMemo(() => hiddenNames(structure, layout, { show, hide }), [structure, layout, show, hide])
  const hidden = useMemo(() => hiddenTwins(structure, layout, models, { show, hide }, state, gone), [structure, layout, models, show, hide, state, gone])
  const selected = useMemo(() => new Set(selection), [selection])
  const bright = useMemo(() => pointed ?? brightOf(structure, layout?.parent, selection), [pointed, structure, layout, selection])
  const values = useMainValues(models, structure)
  const drafts = useMemo(() => new Set(draftsOf(name, 'twin')), [name, selection])
  const pinned = useMemo(() => new Set(state.pinned), [state.pinned])
  const rings = useMemo(() => new Set([...hits, ...highlighted]), [hits, highlighted])
  const lensValues: ReadonlyMap<string, ShownValue> | undefined = lens?.values
  const looks = useMemo((): Looks => ({
    selected, hidden, hiddenNames: names.off, hits: rings, pinned, drafts, bright, differences, lens: lensValues, values, past: at !== undefined,
  }), [selected, hidden, names, rings, pinned, drafts, bright, lensValues, values, at, differences])
  return { looks, ...names }
}

/** The selection with its lines, its neighbours, what lies in it and what it lies in; undefined without one. */
export function brightOf(structure: Structure, parent: Int32Array | undefined, selection: readonly string[]): ReadonlySet<string> | undefined {
  const here = selection.filter((id) => structure.nodes.has(id) || structure.edges.has(id))
  if (here.length === 0) return undefined
  const bright = new Set(here)
  for (const id of here) {
    const edge = structure.edges.get(id)
    if (edge) bright.add(edge.source).add(edge.target)
  }
  const chosen = new Set(here)
  for (const edge of structure.edges.values()) {
    if (chosen.has(edge.source) || chosen.has(edge.target)) bright.add(edge.key).add(edge.source).add(edge.target)
  }
  const ids = [...structure.nodes.keys()]
  if (parent && parent.length === ids.length) {
    const indexOf = new Map(ids.map((id, index) => [id, index]))
    const around = new Set<string>()
    for (const id of bright) for (let up = parent[indexOf.get(id) ?? -1] ?? -1; up >= 0; up = parent[up] ?? -1) around.add(ids[up] ?? '')
    ids.forEach((id, index) => {
      for (let up = parent[index] ?? -1; up >= 0; up = parent[up] ?? -1) if (chosen.has(ids[up] ?? '')) { bright.add(id); break }
    })
    for (const id of around) bright.add(id)
  }
  return bright
}
