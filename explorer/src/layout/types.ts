/** What a layout is made of and what it makes. Units: one mark is one unit; y grows downwards. */

export const LAYOUTS = ['nested', 'tree', 'radial', 'layers', 'force', 'map'] as const
export type LayoutKind = (typeof LAYOUTS)[number]

export interface LayoutNode {
  readonly id: string
  readonly model: string
  readonly label: string
  /** A number named like level, floor, storey, elevation: children are stacked by it. */
  readonly level?: number
  /** Longitude and latitude, for the map. */
  readonly point?: readonly [number, number]
}

export interface LayoutEdge {
  readonly source: string
  readonly target: string
  readonly name: string
}

export interface LayoutOptions {
  /** Names of relationships that make boxes, in order; absent: found by score (design 4.1). */
  readonly boxesBy?: readonly string[]
  /** Boxes that are bars. */
  readonly collapsed?: readonly string[]
  /** Boxes of so many leaves that they are bars of themselves, opened. */
  readonly opened?: readonly string[]
  /** The relationship that layers go along. */
  readonly along?: string
  /** Width of the view by its height, margins taken off. */
  readonly aspect: number
}

export interface LayoutRequest {
  readonly kind: LayoutKind
  readonly nodes: readonly LayoutNode[]
  readonly edges: readonly LayoutEdge[]
  readonly options: LayoutOptions
}

export interface Box {
  /** The twin that the box is. */
  readonly id: string
  readonly depth: number
  readonly x: number
  readonly y: number
  readonly w: number
  readonly h: number
  /** Height of the title bar, part of h. */
  readonly head: number
  /** Index of the box around it, or -1. */
  readonly parent: number
  /** Twins below it, itself not counted. */
  readonly count: number
  /** Twins below it by model. */
  readonly models: Readonly<Record<string, number>>
  /** Whether its children are stacked, with a gutter for lanes at the left. */
  readonly stacked: boolean
  /** Whether its content is a bar. */
  readonly collapsed: boolean
}

/** Lines between siblings of a stacked box, of one source and one name (design 3.7). */
export interface Lane {
  readonly name: string
  /** Index of the stacked box. */
  readonly box: number
  readonly x: number
  readonly from: { readonly id: string; readonly y: number }
  readonly stops: readonly { readonly id: string; readonly y: number; readonly count: number }[]
  /** Indexes of the edges that it stands for. */
  readonly edges: readonly number[]
}

/** How well a relationship name serves as containment. */
export interface Containment {
  readonly name: string
  readonly direction: 'down' | 'up'
  readonly fit: number
  readonly score: number
  readonly used: boolean
}

export interface LayoutResult {
  readonly kind: LayoutKind
  /** Centre of each node, in the order of the request. */
  readonly x: Float64Array
  readonly y: Float64Array
  /** Index of the node around or above it in the forest, or -1. */
  readonly parent: Int32Array
  /** By node: index of the box that it is, or -1. */
  readonly box: Int32Array
  readonly boxes: readonly Box[]
  readonly lanes: readonly Lane[]
  /** By edge: 1 where nesting says it (or the forest's line draws it). */
  readonly implied: Uint8Array
  /** By edge: 1 where a lane stands for it. */
  readonly inLane: Uint8Array
  /** By node: 1 where the layout has no place for it, such as what lies in a bar. Whoever draws hides it. */
  readonly absent: Uint8Array
  /** Boxes whose marks were squeezed together since the whole was laid out. */
  readonly squeezed: number
  /** Where the picture is of the earth: longitude = west + x / scale.x, latitude = north - y / scale.y. */
  readonly earth?: { readonly west: number; readonly north: number; readonly scale: { readonly x: number; readonly y: number } }
  readonly bounds: { readonly x: number; readonly y: number; readonly w: number; readonly h: number }
  readonly containments: readonly Containment[]
  /** Share of the twins that have a parent. */
  readonly contained: number
}
