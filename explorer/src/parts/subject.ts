/** What is looked at and edited: a twin, or a relationship. */
import { type Answer, path, send } from '@/api/http'
import type { JsonObject } from '@/api/json'
import type { Relationship, Twin } from '@/api/types'
import type { Operation } from './values/patch'

export type Subject =
  | { readonly kind: 'twin'; readonly id: string }
  | { readonly kind: 'relationship'; readonly source: string; readonly id: string }

/** Read what stands in an address: a twin's id, or `source/relationship`. */
export function parseSubject(text: string): Subject {
  const at = text.indexOf('/')
  return at < 0 ? { kind: 'twin', id: text } : { kind: 'relationship', source: text.slice(0, at), id: text.slice(at + 1) }
}

export function formatSubject(subject: Subject): string { return subject.kind === 'twin' ? subject.id : `${subject.source}/${subject.id}` }

export function subjectPath(subject: Subject): string {
  return subject.kind === 'twin' ? path('/digitaltwins/{id}', { id: subject.id }) : path('/digitaltwins/{source}/relationships/{id}', { source: subject.source, id: subject.id })
}

/** Path of what Kastor itself tells of it: history, series. */
export function historyPath(subject: Subject): string { return `/kastor/v1${subjectPath(subject)}/history` }

export async function readSubject<T extends Twin | Relationship = Twin>(graph: string, subject: Subject, options: { readonly signal?: AbortSignal; readonly at?: string | undefined } = {}): Promise<T> {
  return (await send<T>(graph, { path: subjectPath(subject), ...options })).data
}

/** Send a patch of the version with this ETag; returns the ETag that it made. */
export async function patchSubject(graph: string, subject: Subject, operations: readonly Operation[], etag: string | undefined): Promise<string | undefined> {
  const answer: Answer = await send(graph, { method: 'PATCH', path: subjectPath(subject), body: operations, headers: { 'if-match': etag } })
  return answer.headers.get('etag') ?? undefined
}

/** A document without what the server keeps of it: what a PUT takes to make it again. */
export function bodyOf(document: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(document).filter(([name]) => name !== '$etag' && name !== '$relationshipLink'))
}
