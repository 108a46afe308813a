/** The graph as it is drawn, and what whoever draws it can be told. `graph/view.ts` implements GraphView. */
import type { LayoutResult } from '@/layout/types'
import type { Look } from '@/ui/mark'

export interface GraphNode {
  readonly id: string
  readonly model: string
  /** Display name of the model, if it is known: a title does not repeat it. */
  readonly modelName?: string
  /** Display text: the label property, else the id. */
  readonly label: string
  readonly look: Look
  /** Its model is not there. */
  readonly orphan: boolean
}

export interface GraphEdge {
  /** `source/id`, as in addresses. */
  readonly key: string
  readonly id: string
  readonly source: string
  readonly target: string
  readonly name: string
  readonly symmetric: boolean
}

/** What is laid out: `nodes` and `edges` are in the order of the layout's arrays. */
export interface Picture {
  readonly nodes: readonly GraphNode[]
  readonly edges: readonly GraphEdge[]
  readonly layout: LayoutResult
}

/** A value under a mark or in a title: its text, and its place on the ramp (0..1) or palette slot where it colours. */
export interface ShownValue { readonly text: string; readonly ramp?: number; readonly slot?: number }

export type Difference = 'added' | 'removed' | 'changed'

export interface Looks {
  readonly selected: ReadonlySet<string>
  /** Node ids and edge keys that are not drawn. */
  readonly hidden: ReadonlySet<string>
  /** Relationship names that are off. */
  readonly hiddenNames: ReadonlySet<string>
  /** Hits of a search. */
  readonly hits: ReadonlySet<string>
  readonly pinned: ReadonlySet<string>
  /** Twins with edits that are not saved. */
  readonly drafts: ReadonlySet<string>
  /** What stays bright while the rest fades; undefined: all. */
  readonly bright: ReadonlySet<string> | undefined
  /** Difference to another instant, by node and by edge key; what is removed is there as a ghost of itself. */
  readonly differences: ReadonlyMap<string, Difference>
  /** The lens: a value by twin; undefined: no lens. */
  readonly lens: ReadonlyMap<string, ShownValue> | undefined
  /** The main value under a near mark, by twin. */
  readonly values: ReadonlyMap<string, ShownValue>
  /** The past is looked at. */
  readonly past: boolean
}

export interface Camera { readonly x: number; readonly y: number; readonly ratio: number }

export type Pick =
  | { readonly kind: 'node' | 'box'; readonly id: string }
  | { readonly kind: 'edge'; readonly key: string }
  | { readonly kind: 'lane'; readonly index: number }
  | { readonly kind: 'ground' }

export interface PointerInfo {
  readonly pick: Pick
  /** In pixels of the page. */
  readonly x: number
  readonly y: number
  readonly shift: boolean
  readonly alt: boolean
}

export interface GraphEvents {
  readonly onClick: (info: PointerInfo) => void
  readonly onDoubleClick: (info: PointerInfo) => void
  readonly onMenu: (info: PointerInfo) => void
  readonly onHover: (info: PointerInfo | undefined) => void
  /** A mark was moved by hand, in units of the layout. */
  readonly onMove: (id: string, x: number, y: number) => void
  /** A line was drawn from a mark's handle: it is being drawn over a mark, or was dropped there. */
  readonly onConnect: (from: string, to: string | undefined, state: 'over' | 'drop' | 'cancel', at: { readonly x: number; readonly y: number }) => void
  readonly onLasso: (ids: readonly string[]) => void
  readonly onCamera: (camera: Camera) => void
  /** WebGL is not there, or was lost twice. The picture is drawn without it from now on, which is slower. */
  readonly onLost: (reason: 'none' | 'lost') => void
}

export interface GraphView {
  /** Show a picture; `glide` moves what was there to its new place. Resolves when it is drawn. */
  show: (picture: Picture, options: { readonly glide: boolean; readonly keepCamera: boolean }) => Promise<void>
  setLooks: (looks: Looks) => void
  /** Let marks of changed twins pulse. */
  pulse: (ids: readonly string[]) => void
  /** Show a relationship of these marks as possible while one is drawn. */
  setTargets: (ids: ReadonlySet<string> | undefined) => void
  fit: (ids?: readonly string[]) => void
  zoomTo: (id: string) => void
  /** Move the camera only if the twin is outside the middle or too small to read (design 3.7). */
  reveal: (id: string) => void
  camera: () => Camera
  setCamera: (camera: Camera) => void
  /** Place of a twin in pixels of the page. */
  positionOf: (id: string) => { readonly x: number; readonly y: number } | undefined
  toPng: (options: { readonly scale: number; readonly legend: readonly { readonly text: string; readonly look: Look }[] }) => Promise<Blob>
  toSvg: () => string
  /** Read the tokens anew after a change of the theme. */
  retheme: () => void
  destroy: () => void
}

export interface GraphViewOptions {
  readonly container: HTMLElement
  readonly events: GraphEvents
  /** Nothing moves: tests and reduced motion. */
  readonly still: boolean
  /** Whether lines may be drawn from mark to mark now; absent: never. */
  readonly mayConnect?: () => boolean
}
