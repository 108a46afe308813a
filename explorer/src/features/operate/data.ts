import { useQuery, useQueryClient, type UseQueryResult } from '@tanstack/react-query'
import { useEffect, useRef, useState } from 'react'
import { type ApiError, asApiError } from '@/api/errors'
import { type Call, path, send } from '@/api/http'
import type { JsonObject } from '@/api/json'
import { pages } from '@/api/pages'
import { useGraph } from '@/state/graph'
import { toast } from '@/ui/toasts'

export interface RouteState {
  readonly id: string
  readonly endpointName: string
  readonly filter: string
  readonly state: 'running' | 'paused' | 'stopped'
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
  readonly state: string
  /** Null where there is nothing to connect to, or nobody holds it now. */
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

export function inputPath(name: string, act?: string): string { return path('/kastor/v1/inputs/{name}', { name }) + (act === undefined ? '' : `/${act}`) }

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

type Question<T> = (graph: string, signal: AbortSignal) => Promise<{ readonly data: T }>
export interface Asking<T> { readonly busy: boolean; readonly answer: T | undefined; readonly error: ApiError | undefined; readonly ask: (question: Question<T>) => void; readonly forget: () => void }

/** Ask what changes nothing that this screen shows; of several questions the last one counts. */
export function useAsking<T>(): Asking<T> {
  const { name } = useGraph()
  const last = useRef<AbortController>(undefined)
  const [state, setState] = useState<Pick<Asking<T>, 'busy' | 'answer' | 'error'>>({ busy: false, answer: undefined, error: undefined })
  useEffect(() => () => { last.current?.abort() }, [])
  const forget = (): void => {
    last.current?.abort()
    setState({ busy: false, answer: undefined, error: undefined })
  }
  const ask = (question: Question<T>): void => {
    last.current?.abort()
    const asked = last.current = new AbortController()
    setState({ busy: true, answer: undefined, error: undefined })
    question(name, asked.signal).then(
      ({ data }) => { if (!asked.signal.aborted) setState({ busy: false, answer: data, error: undefined }) },
      (error: unknown) => { if (!asked.signal.aborted) setState({ busy: false, answer: undefined, error: asApiError(error) }) },
    )
  }
  return { ...state, ask, forget }
}

/** How a route is, in a word: an error that is newer than its last delivery is trouble. */
export function healthOf(route: RouteState): 'ok' | 'warn' | 'danger' {
  if (route.lastError !== null) return 'danger'
  return route.state === 'paused' || route.state === 'stopped' || route.deadLetters > 0 || route.lag > 10_000 ? 'warn' : 'ok'
}
