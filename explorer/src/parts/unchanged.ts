/** Taking back and doing again stand on what was left: what others have made of it since is never written over. */
import { ApiError } from '@/api/errors'
import { isObject, type Json, type JsonObject, sameJson } from '@/api/json'
import { readSubject, type Subject } from './subject'
import { sameValue } from './values/patch'
import type { BatchOperation } from './writing'

/** Whether two documents are the same twin or relationship with the same values, written whenever. */
export function sameDocument(one: JsonObject, other: JsonObject): boolean {
  const modelIn = (document: JsonObject): Json | undefined => (isObject(document['$metadata']) ? document['$metadata']['$model'] : undefined)
  return sameValue(one, other) && sameJson(modelIn(one), modelIn(other)) && ['$targetId', '$relationshipName'].every((name) => sameJson(one[name], other[name]))
}

export function changedSince(what: string): ApiError {
  return new ApiError(412, 'PreconditionFailed', `Somebody has changed ${what} since: it stays as it is.`)
}

/** Return the version of what still has the values that were left in it. */
export async function unchanged(graph: string, subject: Subject, left: JsonObject): Promise<string | undefined> {
  const now = await readSubject(graph, subject)
  if (!sameDocument(now, left)) throw changedSince(subject.id)
  return now.$etag
}

/** What takes away again what was made, the last first: as long as it has the values that it was made with. */
export async function takingBack(graph: string, made: readonly BatchOperation[]): Promise<readonly BatchOperation[]> {
  const away: BatchOperation[] = []
  for (const { kind, id, source, body } of [...made].reverse()) {
    const subject: Subject = source === undefined ? { kind: 'twin', id } : { kind: 'relationship', source, id }
    away.push({ op: 'delete', kind, id, ...(source !== undefined && { source }), ifMatch: await unchanged(graph, subject, body ?? {}) })
  }
  return away
}
