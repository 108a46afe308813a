/** The graph that is on the screen: what was loaded, what was added, how it is laid out. */
import { create } from 'zustand'
import type { Picture } from '@/graph/types'
import type { LayoutKind } from '@/layout/types'
import type { ViewState } from '@/state/fragment'
import { did } from '@/state/undo'
import { toast } from '@/ui/toasts'
import { t } from '@/text/text'
import { undo } from '@/state/undo'
import type { Schema } from './top'
import { merged, NOTHING, type Structure, type StructureEdge, type StructureNode, without } from '@/parts/structure/structure'

export type Scope = 'whole' | 'query' | 'top' | 'schema'

export interface GraphScreen {
  readonly structure: Structure
  /** Counts loads and changes: a layout belongs to one of them. */
  readonly version: number
  readonly scope: Scope
  readonly schema: Schema | undefined
  readonly cut: { readonly total: number | undefined } | undefined
  readonly picture: Picture | undefined
  readonly drawn: boolean
  /** The large part of the address. */
  readonly state: ViewState
  /** Twins that came by the feed and are not part of what was asked for. */
  readonly newcomers: number
  /** Families, models or names that the pointer is on in the legend. */
  readonly pointed: ReadonlySet<string> | undefined
  readonly finding: boolean
  readonly hits: readonly string[]
}

const EMPTY: GraphScreen = {
  structure: NOTHING, version: 0, scope: 'whole', schema: undefined, cut: undefined, picture: undefined, drawn: false, state: {}, newcomers: 0, pointed: undefined, finding: false, hits: [],
}

export const useScreen = create<GraphScreen>(() => EMPTY)

export function screen(): GraphScreen { return useScreen.getState() }

export function reset(state: ViewState): void { useScreen.setState({ ...EMPTY, state, version: screen().version + 1 }) }

/** Take what was loaded for the address. */
export function take(loaded: Pick<GraphScreen, 'structure' | 'scope' | 'schema' | 'cut'>): void {
  useScreen.setState((before) => ({ ...loaded, newcomers: 0, version: before.version + 1 }))
}

export function change(state: Partial<ViewState>): void {
  useScreen.setState((before) => ({ state: { ...before.state, ...state } }))
}

/** Change the view so that it can be undone. */
export function act(name: string, state: Partial<ViewState>): void {
  const before = screen().state
  const kept = Object.fromEntries(Object.keys(state).map((key) => [key, before[key as keyof ViewState]])) as Partial<ViewState>
  change(state)
  did({ name, kind: 'view', undo: () => { change(kept) }, redo: () => { change(state) } })
}

export function put(nodes: readonly StructureNode[], edges: readonly StructureEdge[]): void {
  useScreen.setState((before) => ({ structure: merged(before.structure, nodes, edges), version: before.version + 1 }))
}

export function takeOut(ids: ReadonlySet<string>, keys?: ReadonlySet<string>): void {
  useScreen.setState((before) => ({ structure: without(before.structure, ids, keys), version: before.version + 1 }))
}

/** Add twins and lines by hand; undoing takes out exactly those. */
export function add(nodes: readonly StructureNode[], edges: readonly StructureEdge[]): void {
  const { structure, state } = screen()
  const fresh = nodes.filter((node) => !structure.nodes.has(node.id))
  const known = new Set([...structure.nodes.keys(), ...fresh.map((node) => node.id)])
  const lines = edges.filter((edge) => !structure.edges.has(edge.key) && known.has(edge.source) && known.has(edge.target))
  if (fresh.length === 0 && lines.length === 0) { toast({ text: t('graph.nothing-new') }); return }
  const ids = fresh.map((node) => node.id)
  const added = state.added ?? []
  const redo = (): void => { put(fresh, lines); change({ added: [...added, ...ids] }) }
  redo()
  const name = t('graph.added', { n: ids.length })
  did({ name, kind: 'view', redo, undo: () => { takeOut(new Set(ids), new Set(lines.map((line) => line.key))); change({ added }) } })
  toast({ text: name, act: { text: t('graph.undo'), run: () => { void undo('view') } } })
}

export function moved(kind: LayoutKind, id: string, x: number, y: number): void {
  const { state } = screen()
  const all = state.moved ?? {}
  act(t('graph.moved'), { moved: { ...all, [kind]: { ...all[kind], [id]: [x, y] } }, pinned: [...new Set([...(state.pinned ?? []), id])] })
}
