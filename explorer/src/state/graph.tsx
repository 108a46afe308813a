/** The graph that is open: who asks, its models, its twins, its feed. Every screen finds them here. */
import { useQuery, useQueryClient, type UseQueryResult } from '@tanstack/react-query'
import { createContext, type ReactNode, useContext, useLayoutEffect, useMemo, useRef, useState } from 'react'
import { loadConfig } from '@/api/config'
import { send } from '@/api/http'
import { nextCall, pages } from '@/api/pages'
import { useSession } from '@/api/session'
import type { Me, Page, Status } from '@/api/types'
import type { ResolvedModel } from '@/dtdl/model'
import { Models, NO_MODELS } from '@/dtdl/models'
import { t } from '@/text/text'
import { toast } from '@/ui/toasts'
import { logOf } from './eventlog'
import { heldOver } from './clock'
import { leaveGraph } from './leaving'
import { type Feed, makeFeed } from './live'
import { noteMade } from './shown'
import { TwinStore } from './twins'
import { isEmbedded } from './url'

export interface OpenGraph {
  readonly name: string
  readonly twins: TwinStore
  readonly feed: Feed
  /** The instant that is looked at; undefined is now. Every read carries it. */
  readonly at: string | undefined
  /** Bumped when events were missed: whatever was read is read anew. */
  readonly generation: number
}

const Context = createContext<OpenGraph | undefined>(undefined)

export function useGraph(): OpenGraph {
  const graph = useContext(Context)
  if (!graph) throw new Error('There is no graph around this.')
  return graph
}

export function GraphProvider({ name, at, children }: { name: string; at: string | undefined; children: ReactNode }): ReactNode {
  const twins = useMemo(() => new TwinStore(), [name])
  const feed = useMemo(() => makeFeed(name, twins), [name, twins])
  const [generation, setGeneration] = useState(0)
  const client = useQueryClient()
  const looked = useRef(at)

  // Before the effects in which screens begin to read: what they find is followed from where the feed begins.
  useLayoutEffect(() => {
    logOf(feed)
    const offModels = feed.onModels(() => { void client.invalidateQueries({ queryKey: [name, 'models'] }) })
    const offGap = feed.onGap((why) => {
      twins.clear()
      setGeneration((before) => before + 1)
      void client.invalidateQueries({ queryKey: [name] })
      if (why === 'gone') toast({ text: t('frame.caught-up') })
    })
    // Another token may be of another person, and ends at another time.
    const offToken = useSession.subscribe((now, before) => { if (now.token !== before.token) void client.invalidateQueries({ queryKey: [name, 'me'] }) })
    // In the past nothing is made.
    const offMade = feed.listen((batch) => { if (looked.current === undefined) noteMade(batch.map((each) => each.event)) })
    const stop = feed.start()
    return () => { offModels(); offMade(); offGap(); offToken(); stop() }
  }, [name, feed, twins, client])

  // As the layout goes, so before the next graph's page has begun to keep anything.
  useLayoutEffect(() => leaveGraph, [name])

  // Documents of another instant are other documents. Whoever reads does so in an effect, and those come after this one.
  useLayoutEffect(() => {
    if (looked.current === at && at === undefined) return
    looked.current = at
    twins.turn(at !== undefined)
  }, [at, twins])

  const graph = useMemo(() => ({ name, twins, feed, at, generation }), [name, twins, feed, at, generation])
  return <Context value={graph}>{children}</Context>
}

/** What is below looks at another instant than the page does, where nothing can be changed; without one at the page's. */
export function AsOf({ at, children }: { at: string | undefined; children: ReactNode }): ReactNode {
  const graph = useGraph()
  const then = useMemo(() => {
    if (at === undefined) return graph
    const twins = new TwinStore()
    twins.turn(true)
    return { ...graph, at, twins }
  }, [graph, at])
  return <Context value={then}>{children}</Context>
}

interface Resolved extends Page<ResolvedModel> { readonly epoch: number | null }

/** The models of the graph, resolved. */
export function useModels(): Models {
  return useModelsQuery().data ?? NO_MODELS
}

export function useModelsQuery(): UseQueryResult<Models> {
  const { name, at } = useGraph()
  const queryKey = [name, 'models', at]
  return useQuery({ queryKey, staleTime: Infinity, placeholderData: heldOver(queryKey, at), queryFn: ({ signal }) => readModels(name, at, signal) })
}

const read = new Map<string, { readonly tag: string; readonly models: Models }>()

/** Read the models of an instant; mostly they are those that were read last, which the server says in a word. */
async function readModels(graph: string, at: string | undefined, signal: AbortSignal): Promise<Models> {
  const path = '/kastor/v1/models/resolved'
  const last = read.get(graph)
  const first = await send<Resolved>(graph, { path, signal, at, ahead: true, headers: { 'if-none-match': last?.tag } })
  if (first.status === 304 && last) return last.models
  const all = [...first.data.value]
  if (first.data.nextLink) for await (const { data } of pages<ResolvedModel, Resolved>(graph, { ...nextCall(graph, first.data.nextLink), signal, at })) all.push(...data.value)
  const models = new Models(first.data.epoch ?? 0, all)
  const tag = first.headers.get('etag')
  if (tag !== null) read.set(graph, { tag, models })
  return models
}

export function useMe(): UseQueryResult<Me> {
  const { name } = useGraph()
  return useQuery({
    queryKey: [name, 'me'], staleTime: 60_000,
    queryFn: async ({ signal }) => (await send<Me>(name, { path: '/kastor/v1/me', signal, ahead: true })).data,
  })
}

/** Whether who asks may do something: `digitaltwins/write`. Nothing is allowed until it is known. */
export function useMay(): (permission: string) => boolean {
  const { data } = useMe()
  const { at } = useGraph()
  return useMemo(() => {
    const held = new Set(data?.permissions)
    const writes = /write|delete|action|send|run|cancel|reset/
    // The past is only read, and so is a screen that stands alone: the dialogs in which one writes are around it. Queries are reads that are called actions.
    const isRead = at !== undefined || isEmbedded
    return (permission) => held.has(permission) && (!isRead || permission === 'query/action' || !writes.test(permission))
  }, [data, at])
}

export function useStatus(): UseQueryResult<Status> {
  const { name } = useGraph()
  return useQuery({
    queryKey: [name, 'status'], staleTime: 10_000, refetchInterval: 30_000,
    queryFn: async ({ signal }) => (await send<Status>(name, { path: '/kastor/v1/status', signal, ahead: true })).data,
  })
}

const NO_FEATURES: ReadonlySet<string> = new Set()

/** What this server has, by the names of its features. */
export function useFeatures(): ReadonlySet<string> {
  const { data } = useQuery({ queryKey: ['config'], queryFn: loadConfig, staleTime: Infinity })
  return useMemo(() => (data ? new Set(data.features) : NO_FEATURES), [data])
}
