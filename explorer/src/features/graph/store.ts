/** The graph that is on the screen: what was loaded, what was added, how it is laid out. */
import { create } from 'zustand'
import type { Camera, Picture } from '@/graph/types'
import type { LayoutKind } from '@/layout/types'
import type { ViewState } from '@/state/fragment'
import { onLeave } from '@/state/leaving'
import { did, undo } from '@/state/undo'
import { toast } from '@/ui/toasts'
import { t } from '@/text/text'
import type { Schema } from './top'
import { merged, NOTHING, throughTime, type Structure, type StructureEdge, type StructureNode, without } from '@/parts/structure/structure'

export type Scope = 'whole' | 'query' | 'top' | 'schema'

export interface GraphScreen {
  readonly structure: Structure
  /** Counts loads and changes: a layout belongs to one of them. */
  readonly version: number
  /** The instant and the question that it was loaded for. */
  readonly at: string | undefined
  readonly asked: string
  /** Twins and lines of the structure that are not there at that instant. */
  readonly gone: ReadonlySet<string>
  /** Counts loads alone: what came since then finds its place in the picture of one. */
  readonly loads: number
  readonly scope: Scope
  readonly schema: Schema | undefined
  readonly cut: { readonly total: number | undefined } | undefined
  readonly picture: Picture | undefined
  readonly drawn: boolean
  /** The large part of the address. */
  readonly state: ViewState
  /** Where the camera is to go as soon as there is a picture. */
  readonly goal: Camera | undefined
  /** Twins that came by the feed and are not part of what was asked for. */
  readonly newcomers: number
  /** Counts up with the documents that were read for what is in view. */
  readonly documents: number
  /** Families, models or names that the pointer is on in the legend. */
  readonly pointed: ReadonlySet<string> | undefined
  /** What was selected by a click here: the camera need not go there. */
  readonly clicked: string | undefined
  /** The twin from which a way is looked for; the next click says where to. */
  readonly wayFrom: string | undefined
  /** The menu that is open: of twins, of a relationship, or of the ground. */
  readonly menu: { readonly ids: readonly string[]; readonly edge?: string; readonly x: number; readonly y: number } | undefined
  readonly finding: boolean
  readonly lensOpen: boolean
  readonly saving: boolean
  readonly hits: readonly string[]
}

const NONE: ReadonlySet<string> = new Set()
const EMPTY: GraphScreen = {
  structure: NOTHING, version: 0, loads: 0, at: undefined, asked: '', gone: NONE, scope: 'whole', schema: undefined, cut: undefined, picture: undefined, drawn: false, state: {}, goal: undefined, newcomers: 0, documents: 0, pointed: undefined, clicked: undefined, wayFrom: undefined, menu: undefined, finding: false, lensOpen: false, saving: false, hits: [],
}

export const useScreen = create<GraphScreen>(() => EMPTY)

export function screen(): GraphScreen { return useScreen.getState() }

export function reset(state: ViewState): void { useScreen.setState({ ...EMPTY, state, version: screen().version + 1 }) }
onLeave(() => { reset({}) })

/**
 * Take what was loaded for the address. While the same is looked at as of other instants, nothing of it goes from the
 * picture: what is not there then is hidden, so that all keeps its place.
 */
export function take(loaded: Pick<GraphScreen, 'structure' | 'scope' | 'schema' | 'cut'>, at: string | undefined, asked: string): void {
  useScreen.setState((before) => {
    const isMoving = at !== undefined || before.at !== undefined
    const through = isMoving && before.asked === asked && before.scope === loaded.scope ? throughTime(before.structure, loaded.structure) : undefined
    const { structure, gone } = through && (at !== undefined || through.gone.size === 0) ? through : { structure: loaded.structure, gone: NONE }
    return { ...loaded, ...ofNothing(structure), structure, gone: sameSet(before.gone, gone) ? before.gone : gone, at, asked, newcomers: 0, version: structure === before.structure ? before.version : before.version + 1, loads: through ? before.loads : before.loads + 1 }
  })
}

/** A picture of what is there no more is no picture: nothing lays out nothing. */
function ofNothing(structure: Structure): { readonly picture?: undefined } { return structure.nodes.size === 0 ? { picture: undefined } : {} }

function sameSet(one: ReadonlySet<string>, other: ReadonlySet<string>): boolean { return one.size === other.size && [...one].every((each) => other.has(each)) }

/** Some of the view's state; undefined takes it away. */
export type Change = { readonly [K in keyof ViewState]?: ViewState[K] | undefined }

export function change(state: Change): void {
  useScreen.setState((before) => ({ state: Object.fromEntries(Object.entries({ ...before.state, ...state }).filter(([, value]) => value !== undefined)) as ViewState }))
}

/** Change the view so that it can be undone. */
export function act(name: string, state: Change): void {
  const before = screen().state
  const kept = Object.fromEntries(Object.keys(state).map((key) => [key, before[key as keyof ViewState]])) as Change
  change(state)
  did({ name, kind: 'view', undo: () => { change(kept) }, redo: () => { change(state) } })
}

export function put(nodes: readonly StructureNode[], edges: readonly StructureEdge[]): void {
  useScreen.setState((before) => {
    const here = new Set([...nodes.map((node) => node.id), ...edges.map((edge) => edge.key)])
    return { structure: merged(before.structure, nodes, edges), version: before.version + 1, gone: before.gone.size === 0 ? before.gone : new Set([...before.gone].filter((key) => !here.has(key))) }
  })
}

export function takeOut(ids: ReadonlySet<string>, keys?: ReadonlySet<string>): void {
  useScreen.setState((before) => {
    const structure = without(before.structure, ids, keys)
    return { ...ofNothing(structure), structure, version: before.version + 1 }
  })
}

/** Show twins and lines that are there no more beside what is. */
export function haunt(nodes: readonly StructureNode[], edges: readonly StructureEdge[]): void {
  useScreen.setState((before) => {
    const structure = merged(before.structure, nodes, edges)
    const lines = edges.flatMap(({ key }) => (structure.edges.has(key) ? [key] : []))
    return { structure, version: before.version + 1, gone: new Set([...before.gone, ...nodes.map((node) => node.id), ...lines]) }
  })
}

/** Let them go, those that are still gone. */
export function layToRest(keys: Iterable<string>): void {
  const gone = [...keys].filter((key) => screen().gone.has(key))
  if (gone.length === 0) return
  const all = new Set(gone)
  takeOut(all, all)
  useScreen.setState((before) => ({ gone: new Set([...before.gone].filter((key) => !all.has(key))) }))
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
