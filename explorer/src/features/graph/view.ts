/** What the address says of the view, and what follows from it. */
import { useMemo } from 'react'
import { shortName } from '@/dtdl/model'
import type { Models } from '@/dtdl/models'
import type { Looks } from '@/graph/types'
import { LAYOUTS, type LayoutKind, type LayoutResult } from '@/layout/types'
import { type Going, selectionOf, useGoing } from '@/state/url'
import type { Structure } from '@/parts/structure/structure'

export interface View {
  readonly query: string | undefined
  /** Undefined: nested if there are boxes, else what suits. */
  readonly layout: LayoutKind | undefined
  readonly selection: readonly string[]
  readonly lens: string | undefined
  readonly label: string | undefined
  readonly show: readonly string[]
  readonly hide: readonly string[]
  readonly pin: readonly string[]
  readonly saved: string | undefined
  readonly going: Going
}

export function listed(text: string | undefined): readonly string[] { return (text ?? '').split(',').filter((each) => each !== '') }

export function useView(): View {
  const going = useGoing()
  const { q, lay, lens, lab, show, hide, pin, v } = going.place.parameters
  const { sel } = going.place.parameters
  return useMemo(() => ({
    query: q, layout: LAYOUTS.find((each) => each === lay), lens, label: lab, show: listed(show), hide: listed(hide), pin: listed(pin), saved: v,
    selection: selectionOf(sel === undefined ? {} : { sel }), going,
  }), [q, lay, sel, lens, lab, show, hide, pin, v, going])
}

/** Whether `m:Name` of an address means a model: its own name, its family's, or its DTMI. */
export function means(models: Models, entry: string, model: string): boolean {
  const name = entry.slice(2)
  return name === model || name === shortName(model) || name === shortName(models.family(model)) || name === models.family(model)
}

export function modelEntries(entries: readonly string[]): readonly string[] { return entries.filter((each) => each.startsWith('m:')) }
export function nameEntries(entries: readonly string[]): readonly string[] { return entries.filter((each) => !each.startsWith('m:')) }

/** Whether twins of a model are shown by the address. */
export function isModelShown(models: Models, view: Pick<View, 'show' | 'hide'>, model: string): boolean {
  const shown = modelEntries(view.show)
  if (shown.length > 0 && !shown.some((entry) => means(models, entry, model))) return false
  return !modelEntries(view.hide).some((entry) => means(models, entry, model))
}

/** More visible lines of one name than this are off until they are asked for. */
export const MANY_LINES = 150

/** Relationship names that are off, and which of them are only because there are so many. */
export function hiddenNames(structure: Structure, layout: LayoutResult | undefined, view: Pick<View, 'show' | 'hide'>): { readonly off: ReadonlySet<string>; readonly many: ReadonlySet<string> } {
  const off = new Set(nameEntries(view.hide))
  const shown = new Set(nameEntries(view.show))
  const counts = new Map<string, number>()
  const many = new Set<string>()
  let index = 0
  for (const edge of structure.edges.values()) {
    if (layout?.kind === 'nested' && layout.implied[index] !== 1 && layout.inLane[index] !== 1) counts.set(edge.name, (counts.get(edge.name) ?? 0) + 1)
    index += 1
  }
  for (const [name, count] of counts) if (count > MANY_LINES && !shown.has(name) && !off.has(name)) { many.add(name); off.add(name) }
  return { off, many }
}

/** Twins that are not drawn: hidden by hand with what lies in them, by their model, not there at this instant, or without a place. */
export function hiddenTwins(structure: Structure, layout: LayoutResult | undefined, models: Models, view: Pick<View, 'show' | 'hide'>, hiddenByHand: readonly string[] | undefined, gone: ReadonlySet<string> = new Set()): ReadonlySet<string> {
  const ids = [...structure.nodes.keys()]
  const byHand = new Set(hiddenByHand)
  const nodes = [...structure.nodes.values()]
  const filtered = view.show.length + view.hide.length > 0
  const shownModels = new Map<string, boolean>()
  const isShown = (model: string): boolean => {
    let known = shownModels.get(model)
    if (known === undefined) shownModels.set(model, known = !filtered || isModelShown(models, view, model))
    return known
  }
  const hidden = new Set(gone)
  const current = layout && layout.x.length === nodes.length ? layout : undefined
  nodes.forEach((node, index) => {
    if (current?.absent[index] === 1 || byHand.has(node.id) || !isShown(node.model)) hidden.add(node.id)
  })
  if (!current) return hidden
  if (current.boxes.length > 0) {
    // What lies in a box that is hidden is hidden; a box that a filter leaves out stays around what it does not.
    const keep = new Set<number>()
    nodes.forEach((node, index) => {
      if (hidden.has(node.id)) return
      for (let up = current.parent[index] ?? -1; up >= 0 && !keep.has(up); up = current.parent[up] ?? -1) keep.add(up)
    })
    for (const index of keep) {
      const id = ids[index]
      if (id !== undefined && !byHand.has(id)) hidden.delete(id)
    }
    nodes.forEach((node, index) => {
      for (let up = current.parent[index] ?? -1; up >= 0; up = current.parent[up] ?? -1) if (byHand.has(ids[up] ?? '')) { hidden.add(node.id); break }
    })
  }
  return hidden
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

/** What is marked as removed is drawn as a ghost of itself; what is there again by now is marked no more. */
export function withGhosts(marked: Looks['differences'], gone: ReadonlySet<string>): { readonly differences: Looks['differences']; readonly away: ReadonlySet<string> } {
  if (marked.size === 0) return { differences: marked, away: gone }
  return {
    differences: new Map([...marked].filter(([key, what]) => what !== 'removed' || gone.has(key))),
    away: new Set([...gone].filter((key) => marked.get(key) !== 'removed')),
  }
}
