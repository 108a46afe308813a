/** Taking twins away with what they are related to, and making them again (design 5.4). */
import { path, send } from '@/api/http'
import { ApiError } from '@/api/errors'
import { pages } from '@/api/pages'
import type { Page, Relationship, Twin } from '@/api/types'
import { t } from '@/text/text'
import { bodyOf, readSubject } from './subject'
import { type Incoming, readRelationship } from './relationships'
import { changedSince, sameDocument } from './unchanged'
import { wrote } from './undoable'
import { batch, type BatchOperation } from './writing'

export interface Doomed { readonly twins: readonly Twin[]; readonly relationships: readonly Relationship[] }

const MOST_RELATIONSHIPS = 2000
const UNDO_MS = 60_000

/** Read what goes with twins: the relationships at both ends. */
export async function readDoomed(graph: string, ids: readonly string[], signal?: AbortSignal): Promise<Doomed> {
  const relationships = new Map<string, Relationship>()
  const twins: Twin[] = []
  const add = (each: Relationship): void => {
    relationships.set(`${each.$sourceId}/${each.$relationshipId}`, each)
    if (relationships.size > MOST_RELATIONSHIPS) throw new ApiError(0, 'TooMany', t('inspector.too-many', { n: MOST_RELATIONSHIPS }))
  }
  const options = signal ? { signal } : {}
  for (const id of ids) {
    twins.push(await readSubject(graph, { kind: 'twin', id }, options))
    const large = { headers: { 'max-items-per-page': '1000' }, ...options }
    for await (const { data } of pages<Relationship, Page<Relationship>>(graph, { path: path('/digitaltwins/{id}/relationships', { id }), ...large })) data.value.forEach(add)
    for await (const { data } of pages<Incoming>(graph, { path: path('/digitaltwins/{id}/incomingrelationships', { id }), ...large })) {
      for (const each of data.value) if (!relationships.has(`${each.$sourceId}/${each.$relationshipId}`)) add(await readRelationship(graph, each.$sourceId, each.$relationshipId))
    }
  }
  return { twins, relationships: [...relationships.values()] }
}

/** Delete twins and their relationships, all or nothing; for a minute they can be made again as they were. */
export async function deleteDoomed(graph: string, { twins, relationships }: Doomed): Promise<void> {
  const away: readonly BatchOperation[] = [
    ...relationships.map((each): BatchOperation => ({ op: 'delete', kind: 'relationship', id: each.$relationshipId, source: each.$sourceId })),
    ...twins.map((each): BatchOperation => ({ op: 'delete', kind: 'twin', id: each.$dtId })),
  ]
  const again: readonly BatchOperation[] = [
    ...twins.map((each): BatchOperation => ({ op: 'put', kind: 'twin', id: each.$dtId, body: bodyOf(each), ifNoneMatch: '*' })),
    ...relationships.map((each): BatchOperation => ({ op: 'put', kind: 'relationship', id: each.$relationshipId, source: each.$sourceId, body: bodyOf(each), ifNoneMatch: '*' })),
  ]
  await batch(graph, away)
  const until = Date.now() + UNDO_MS
  wrote(t('inspector.deleted', { n: twins.length }), async () => {
    if (Date.now() > until) throw new ApiError(410, 'TooLate', t('inspector.too-late'))
    await batch(graph, again)
  }, async () => {
    const now = await readDoomed(graph, twins.map((each) => each.$dtId))
    const before = new Map(relationships.map((each) => [`${each.$sourceId}/${each.$relationshipId}`, each]))
    const changed = [
      ...now.twins.filter((each, index) => !sameDocument(each, twins[index] ?? {})).map((each) => each.$dtId),
      ...now.relationships.filter((each) => !sameDocument(each, before.get(`${each.$sourceId}/${each.$relationshipId}`) ?? {})).map((each) => each.$relationshipId),
    ]
    if (changed.length > 0) throw changedSince(changed.join(', '))
    await batch(graph, away)
  })
}

/** Try a patch without writing it; returns why the server would refuse it. */
export async function tryPatch(graph: string, id: string, body: unknown): Promise<ApiError | undefined> {
  try {
    await send(graph, { method: 'PATCH', path: path('/digitaltwins/{id}', { id }), body, headers: { 'kastor-dry-run': 'true' } })
    return undefined
  } catch (error) {
    if (error instanceof ApiError) return error
    throw error
  }
}
