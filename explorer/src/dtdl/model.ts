/** Models as the server resolves them: `GET /kastor/v1/models/resolved`. Nothing here interprets DTDL. */

/** By language: `en`, `de` … */
export type Texts = Readonly<Record<string, string>>

export interface ResolvedModel {
  readonly id: string
  readonly displayName: Texts
  readonly description: Texts
  readonly comment?: string
  /** Absent where the model cannot be read any more. */
  readonly dtdlVersion?: number
  readonly decommissioned: boolean
  readonly uploadTime: string
  /** The models that it extends itself. */
  readonly extends: readonly string[]
  /** All that it inherits from, nearest first. */
  readonly bases: readonly string[]
  /** Contents are too large to be told, or cannot be read. */
  readonly truncated?: boolean
  /** Its own first, then by ancestor, nearest first. */
  readonly contents: readonly ResolvedContent[]
}

export type ContentKind = 'property' | 'telemetry' | 'relationship' | 'component' | 'command'

export interface ResolvedContent {
  readonly name: string
  readonly kind: ContentKind
  /** The model that it comes from. */
  readonly definedBy: string
  readonly displayName: Texts
  readonly description: Texts
  readonly comment?: string
  readonly schema?: ResolvedSchema
  readonly writable?: boolean
  readonly semanticTypes: readonly string[]
  readonly unit?: { readonly name: string; readonly symbol?: string; readonly displayName?: string }
  /** A relationship's; absent: every model. */
  readonly target?: string
  readonly minMultiplicity?: number
  readonly maxMultiplicity?: number
  /** A relationship's own. */
  readonly properties?: readonly ResolvedContent[]
  /** A component's. */
  readonly model?: string
}

export interface EnumValue { readonly name: string; readonly value: string | number; readonly displayName: Texts; readonly description: Texts }
export interface Field { readonly name: string; readonly displayName: Texts; readonly description: Texts; readonly schema: ResolvedSchema }

export const GEOSPATIAL = ['point', 'multiPoint', 'lineString', 'multiLineString', 'polygon', 'multiPolygon'] as const
export const INTEGERS = ['byte', 'short', 'integer', 'long', 'unsignedByte', 'unsignedShort', 'unsignedInteger', 'unsignedLong'] as const
export const REALS = ['float', 'double', 'decimal'] as const
export const OTHERS = ['boolean', 'string', 'date', 'dateTime', 'time', 'duration', 'uuid', 'bytes'] as const

export type PrimitiveKind = (typeof GEOSPATIAL)[number] | (typeof INTEGERS)[number] | (typeof REALS)[number] | (typeof OTHERS)[number]

export type ResolvedSchema =
  | { readonly kind: PrimitiveKind }
  | { readonly kind: 'enum'; readonly valueSchema: string; readonly values: readonly EnumValue[] }
  | { readonly kind: 'object' | 'scaledDecimal'; readonly fields: readonly Field[] }
  | { readonly kind: 'array'; readonly element: ResolvedSchema }
  | { readonly kind: 'map'; readonly key: { readonly name: string }; readonly value: { readonly name: string; readonly schema: ResolvedSchema } }
  /** A schema that holds itself, or too much to be told. */
  | { readonly kind: 'ref'; readonly id: string; readonly because: 'recursive' | 'large' }

/** Return a text in the language that is wanted, else English, else any, else `otherwise`. */
export function say(texts: Texts, otherwise: string, language = 'en'): string {
  return texts[language] ?? texts['en'] ?? Object.values(texts)[0] ?? otherwise
}

/** Return the last word of a DTMI's path: `MeetingRoom` of `dtmi:kastor:sample:MeetingRoom;1`. */
export function shortName(dtmi: string): string {
  return /([^:;]+)(?:;[\d.]*)?$/.exec(dtmi)?.[1] ?? dtmi
}
