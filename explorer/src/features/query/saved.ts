/** Saved queries: with the graph where the server keeps them, else in this browser. One way to use both. */
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { useMemo } from 'react'
import { ApiError } from '@/api/errors'
import { path, send } from '@/api/http'
import { isObject, type Json, type JsonObject } from '@/api/json'
import { pages } from '@/api/pages'
import { useGraph, useMay } from '@/state/graph'
import { browserQueries, dropQuery, keepQuery } from './keep'

export interface SavedEntry { readonly name: string; readonly at: number; readonly by?: string }

export interface SavedText { readonly text: string; readonly etag: string | undefined }

export interface SavedQueries {
  readonly where: 'server' | 'browser'
  readonly entries: readonly SavedEntry[]
  readonly loading: boolean
  readonly error: Error | null
  /** Whether who asks may save. */
  readonly mayWrite: boolean
  readonly mayDelete: boolean
  readonly read: (name: string) => Promise<SavedText>
  /** `over` says what may be written over: nothing, only what was read, or (absent) whatever is there. Returns the new ETag. */
  readonly save: (name: string, text: string, over?: 'nothing' | { readonly etag: string | undefined }) => Promise<string | undefined>
  readonly remove: (name: string) => Promise<void>
}

/** Between folder and name, since names hold no slash. */
export const FOLDER = ' › '
const FORM = 1
const ITEM = '/kastor/v1/explorer/queries/{name}'

interface Listed extends JsonObject { readonly name: string; readonly lastUpdateTime: string }

async function listed(graph: string, signal: AbortSignal): Promise<readonly SavedEntry[]> {
  const found: SavedEntry[] = []
  for await (const { data } of pages<Listed>(graph, { path: '/kastor/v1/explorer/queries', signal })) {
    found.push(...data.value.map((each) => ({ name: each.name, at: Date.parse(each.lastUpdateTime), ...(typeof each['by'] === 'string' && { by: each['by'] }) })))
  }
  return found
}

/** The text of a saved document. */
export function textOfDocument(document: Json): string {
  return isObject(document) && typeof document['text'] === 'string' ? document['text'] : ''
}

export function useSaved(): SavedQueries {
  const { name: graph } = useGraph()
  const may = useMay()
  const client = useQueryClient()
  const onServer = may('kastor/explorer/read')
  const where = onServer ? 'server' : 'browser'
  const list = useQuery<readonly SavedEntry[]>({
    queryKey: [graph, 'saved queries', where], staleTime: 30_000,
    queryFn: ({ signal }) => (onServer ? listed(graph, signal) : browserQueries(graph)),
  })
  const mayWrite = !onServer || may('kastor/explorer/write')
  const mayDelete = !onServer || may('kastor/explorer/delete')
  return useMemo(() => {
    const again = async (): Promise<void> => { await client.invalidateQueries({ queryKey: [graph, 'saved queries'] }) }
    return {
      where, entries: list.data ?? [], loading: list.isPending, error: list.error, mayWrite, mayDelete,
      read: async (name) => {
        if (!onServer) return { text: (await browserQueries(graph)).find((each) => each.name === name)?.text ?? '', etag: undefined }
        const { data, headers } = await send(graph, { path: path(ITEM, { name }) })
        return { text: textOfDocument(data), etag: headers.get('etag') ?? undefined }
      },
      save: async (name, text, over) => {
        let etag: string | undefined
        if (onServer) {
          const headers = over === 'nothing' ? { 'if-none-match': '*' } : { 'if-match': over?.etag }
          etag = (await send(graph, { method: 'PUT', path: path(ITEM, { name }), body: { version: FORM, text }, headers })).headers.get('etag') ?? undefined
        } else {
          if (over === 'nothing' && (await browserQueries(graph)).some((each) => each.name === name)) throw new ApiError(412, 'PreconditionFailed', `There is a query ${name} already.`)
          await keepQuery({ graph, name, text, at: Date.now() })
        }
        await again()
        return etag
      },
      remove: async (name) => {
        if (onServer) await send(graph, { method: 'DELETE', path: path(ITEM, { name }) })
        else await dropQuery(graph, name)
        await again()
      },
    }
  }, [where, onServer, list.data, list.isPending, list.error, mayWrite, mayDelete, graph, client])
}

/** Save the queries of a file whose names are free; returns those that are there already, untouched. */
export async function importQueries(save: SavedQueries['save'], queries: QueryFile['queries']): Promise<QueryFile['queries']> {
  const taken: QueryFile['queries'][number][] = []
  for (const query of queries) {
    try {
      await save(query.name, query.text, 'nothing')
    } catch (error) {
      if (!(error instanceof ApiError && error.status === 412)) throw error
      taken.push(query)
    }
  }
  return taken
}

export interface QueryFile { readonly queries: readonly { readonly name: string; readonly text: string }[] }

/** Read a file of queries; what is none of it is left out. */
export function queriesOf(document: Json): QueryFile['queries'] {
  const list = isObject(document) ? document['queries'] : undefined
  if (!Array.isArray(list)) return []
  return (list as readonly Json[]).flatMap((each) => (isObject(each) && typeof each['name'] === 'string' && typeof each['text'] === 'string' ? [{ name: each['name'].slice(0, 128), text: each['text'] }] : [])).slice(0, 1000)
}
