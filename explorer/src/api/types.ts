/** Forms of the API that the explorer uses, by name. */
import type { Json, JsonObject } from './json'

export interface Twin extends JsonObject {
  readonly $dtId: string
  readonly $etag: string
  readonly $metadata: JsonObject
}

export interface Relationship extends JsonObject {
  readonly $relationshipId: string
  readonly $sourceId: string
  readonly $targetId: string
  readonly $relationshipName: string
  readonly $etag: string
}

export interface Page<T> { readonly value: readonly T[]; readonly nextLink?: string | null }
export interface QueryPage { readonly value: readonly Json[]; readonly continuationToken: string | null }

export interface Me {
  readonly id: string
  readonly name: string
  readonly kind: string
  readonly issuer?: string | null
  readonly expires: string | null
  readonly roles: readonly { readonly role: string; readonly graphs: readonly string[] }[]
  readonly graph: string
  readonly permissions: readonly string[]
}

export interface Status {
  readonly kastor: string
  readonly engine: string
  readonly hostName: string
  readonly modelEpoch: number
  readonly counts: { readonly models: number; readonly twins: number; readonly relationships: number; readonly versions: number; readonly changeLog: number }
  readonly bytes: Readonly<Record<string, number>>
  /** Room where the graph's file is; null where there is none. */
  readonly diskFree?: number | null
  readonly oldestVersion: string | null
  readonly oldestLogEntry: string | null
}

/** What the server says of itself before anybody has signed in. */
export interface Config {
  readonly version: string
  readonly apiVersion: string
  readonly profile: string
  readonly auth: 'none' | 'token' | 'oidc'
  /** Whether a token may be given by hand. */
  readonly tokens: boolean
  readonly issuers: readonly { readonly issuer: string; readonly name: string; readonly clientId: string; readonly scope: string | null }[]
  readonly prefix: string
  readonly sample: boolean
  readonly limits: Readonly<Record<string, number>>
  readonly features: readonly string[]
}

export interface CloudEvent {
  readonly id: string
  readonly type: string
  readonly subject?: string
  readonly source: string
  readonly time?: string
  readonly dataschema?: string
  readonly data?: Json
}
