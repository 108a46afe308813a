/** The relationships of a twin, in both directions, and what makes and takes them away. */
import { useQuery, useQueryClient, type UseQueryResult } from '@tanstack/react-query'
import { useEffect } from 'react'
import { path, send } from '@/api/http'
import { isObject, type JsonObject } from '@/api/json'
import { pages } from '@/api/pages'
import type { CloudEvent, Page, Relationship } from '@/api/types'
import { useGraph } from '@/state/graph'
import { t } from '@/text/text'
import { bodyOf } from './subject'
import { unchanged } from './unchanged'
import { wrote } from './undoable'

export interface Incoming extends JsonObject { readonly $relationshipId: string; readonly $sourceId: string; readonly $relationshipName: string }

export interface Related {
  readonly outgoing: readonly Relationship[]
  readonly incoming: readonly Incoming[]
  /** There are more than were read. */
  readonly more: boolean
}

const PAGE = 1000

async function readAll<T>(graph: string, call: Parameters<typeof pages>[1], most: number): Promise<{ list: readonly T[]; more: boolean }> {
  const list: T[] = []
  let more = false
  for await (const { data } of pages<T, Page<T>>(graph, { ...call, headers: { 'max-items-per-page': String(Math.min(PAGE, most)) } }, most)) {
    list.push(...data.value)
    more = typeof data.nextLink === 'string'
  }
  return { list, more }
}

function concerns(event: CloudEvent, id: string): boolean {
  if (!event.type.includes('.Relationship.') || event.subject === undefined) return false
  const target = isObject(event.data) ? event.data['$targetId'] : undefined
  return event.subject.startsWith(`${id}/`) || target === id
}

/** The first relationships of a twin in each direction; asked for again when one comes or goes. */
export function useRelated(id: string, most = 500): UseQueryResult<Related> {
  const { name, at, generation, feed } = useGraph()
  const client = useQueryClient()
  useEffect(() => feed.listen((batch) => {
    if (batch.some(({ event }) => concerns(event, id))) void client.invalidateQueries({ queryKey: [name, 'relationships', id] })
  }), [feed, client, name, id])
  return useQuery({
    queryKey: [name, 'relationships', id, most, at, generation],
    queryFn: async ({ signal }): Promise<Related> => {
      const [outgoing, incoming] = await Promise.all([
        readAll<Relationship>(name, { path: path('/digitaltwins/{id}/relationships', { id }), signal, at }, most),
        readAll<Incoming>(name, { path: path('/digitaltwins/{id}/incomingrelationships', { id }), signal, at }, most),
      ])
      return { outgoing: outgoing.list, incoming: incoming.list, more: outgoing.more || incoming.more }
    },
  })
}

function pathOf(source: string, id: string): string { return path('/digitaltwins/{source}/relationships/{id}', { source, id }) }

export async function readRelationship(graph: string, source: string, id: string): Promise<Relationship> {
  return (await send<Relationship>(graph, { path: pathOf(source, id) })).data
}

export async function putRelationship(graph: string, body: JsonObject & { readonly $sourceId: string; readonly $relationshipId: string }): Promise<void> {
  await send(graph, { method: 'PUT', path: pathOf(body.$sourceId, body.$relationshipId), body: bodyOf(body), headers: { 'if-none-match': '*' } })
}

async function take(graph: string, source: string, id: string, etag: string | undefined): Promise<void> {
  await send(graph, { method: 'DELETE', path: pathOf(source, id), headers: { 'if-match': etag } })
}

/** Make a relationship; undo takes it away again. */
export async function createRelationship(graph: string, body: JsonObject & { readonly $sourceId: string; readonly $relationshipId: string; readonly $relationshipName: string }): Promise<void> {
  await putRelationship(graph, body)
  wrote(t('inspector.made-relationship', { name: body.$relationshipName }), async () => { await take(graph, body.$sourceId, body.$relationshipId, await unchanged(graph, { kind: 'relationship', source: body.$sourceId, id: body.$relationshipId }, body)) }, async () => { await putRelationship(graph, body) })
}

/** Take a relationship away; undo makes it again with the same id and body. */
export async function deleteRelationship(graph: string, source: string, id: string): Promise<void> {
  const document = await readRelationship(graph, source, id)
  await take(graph, source, id, document.$etag)
  wrote(t('inspector.deleted-relationship', { name: document.$relationshipName }), async () => { await putRelationship(graph, document) }, async () => { await take(graph, source, id, await unchanged(graph, { kind: 'relationship', source, id }, document)) })
}
