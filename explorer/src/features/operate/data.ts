import { useQueries, useQuery, useQueryClient, type UseQueryResult } from '@tanstack/react-query'
import { asApiError } from '@/api/errors'
import { type Call, path as pathOf, send } from '@/api/http'
import type { JsonObject } from '@/api/json'
import { pages } from '@/api/pages'
import { useGraph } from '@/state/graph'
import { toast } from '@/ui/toasts'

export interface RouteState {
  readonly id: string
  readonly endpointName: string
  readonly filter: string
  readonly state: 'running' | 'paused' | 'failing' | string
  readonly position: number
  readonly lag: number
  readonly delivered: number
  readonly deadLetters: number
  readonly perMinute: number
  readonly lastDelivery: string | null
  readonly lastError: string | null
}

export interface Endpoint { readonly name: string; readonly kind: string; readonly settings: JsonObject; readonly routes: readonly string[] }
export interface Input { readonly name: string; readonly kind: string; readonly settings: JsonObject; readonly paused?: boolean }
export interface InputState {
  readonly name: string
  readonly state: string
  /** Null where another process holds the connection and has not said. */
  readonly connected: boolean | null
  readonly received: number
  readonly written: number
  readonly merged: number
  readonly deadband: number
  readonly stale: number
  readonly rejected: number
  readonly lastMessage: string | null
  readonly lastError: string | null
}
export interface Index { readonly path: string }
export interface Job {
  readonly id: string
  readonly status: string
  readonly createdDateTime: string
  readonly finishedDateTime?: string
  readonly error?: { readonly code: string; readonly message: string }
}
export interface OwnJob extends Job {
  readonly kind: string
  readonly progress?: { readonly done: number; readonly of?: number; readonly unit: string }
  readonly counts?: Readonly<Record<string, number>>
}
export interface SlowQuery { readonly query: string; readonly count: number; readonly timedOut: number; readonly worstMs: number; readonly meanMs: number; readonly lastMs: number; readonly lastTime: string; readonly lastActor?: string | null }
export interface Limit { readonly name: string; readonly value: number | null; readonly unit: string; readonly of: string; readonly used?: number; readonly description: string }

const MOST = 2000
const SLOW_MS = 15_000

/** Read a list of the graph's, all pages of it; again every few seconds where it lives. */
export function useList<T>(path: string, options: { readonly every?: number; readonly enabled?: boolean } = {}): UseQueryResult<readonly T[]> {
  const { name } = useGraph()
  return useQuery({
    queryKey: [name, 'operate', path], enabled: options.enabled ?? true, refetchInterval: options.every ?? false,
    queryFn: async ({ signal }) => {
      const all: T[] = []
      for await (const { data } of pages<T>(name, { path, signal }, MOST)) all.push(...data.value)
      return all
    },
  })
}

export function useOne<T>(path: string, options: { readonly every?: number; readonly enabled?: boolean } = {}): UseQueryResult<T> {
  const { name } = useGraph()
  return useQuery({
    queryKey: [name, 'operate', path], enabled: options.enabled ?? true, refetchInterval: options.every ?? false,
    queryFn: async ({ signal }) => (await send<T>(name, { path, signal })).data,
  })
}

/** How each input is: the list says what they are, each one by itself how it does. */
export function useInputStates(enabled: boolean): readonly InputState[] {
  const { name } = useGraph()
  const inputs = useList<Input>('/kastor/v1/inputs', { every: SLOW_MS, enabled })
  const states = useQueries({
    queries: (inputs.data ?? []).map((each) => {
      const path = pathOf('/kastor/v1/inputs/{name}/status', { name: each.name })
      return { queryKey: [name, 'operate', path], refetchInterval: SLOW_MS, queryFn: async ({ signal }: { signal: AbortSignal }) => (await send<InputState>(name, { path, signal })).data }
    }),
  })
  return states.flatMap((each) => each.data ?? [])
}

/** Send what changes something; say what came of it, and read everything of this screen anew. */
export function useAct(): (call: Call, said?: string) => Promise<boolean> {
  const { name } = useGraph()
  const client = useQueryClient()
  return async (call, said) => {
    try {
      await send(name, call)
      if (said !== undefined) toast({ text: said })
      return true
    } catch (error) {
      toast({ kind: 'error', text: asApiError(error).message })
      return false
    } finally {
      await client.invalidateQueries({ queryKey: [name, 'operate'] })
    }
  }
}

/** How a route is, in a word: an error that is newer than its last delivery is trouble. */
export function healthOf(route: RouteState): 'ok' | 'warn' | 'danger' {
  if (route.state === 'failing' || route.lastError !== null) return 'danger'
  return route.state === 'paused' || route.deadLetters > 0 || route.lag > 10_000 ? 'warn' : 'ok'
}
