/** What asks for attention, the worst first. */
import { useQueries } from '@tanstack/react-query'
import { send } from '@/api/http'
import { useGraph, useMay, useStatus } from '@/state/graph'
import { t } from '@/text/text'
import { healthOf, type Input, inputPath, type InputState, type RouteState, useList } from './data'
import { bytes } from './Part'

const EVERY_MS = 10_000
const LEAST_FREE = 1_000_000_000
const LEAST_SHARE = 0.25

export interface Problem {
  readonly tone: 'warn' | 'danger'
  readonly text: string
  /** Where more is told; empty where nothing is. */
  readonly rest: readonly string[]
}

export function routeProblem(route: RouteState): Problem | undefined {
  const { id, lastError, deadLetters, lag } = route
  const rest = ['routes', id]
  if (lastError !== null) return { tone: 'danger', text: t('operate.route-fails', { id, error: lastError }), rest }
  if (deadLetters > 0) return { tone: 'warn', text: t('operate.route-letters', { id, n: deadLetters }), rest: ['deadletters'] }
  return healthOf(route) === 'warn' && route.state !== 'paused' ? { tone: 'warn', text: t('operate.route-lags', { id, n: lag }), rest } : undefined
}

export function inputProblem(id: string, { state, connected, lastError }: InputState): Problem | undefined {
  const rest = ['inputs', id]
  if (lastError !== null) return { tone: 'danger', text: t('operate.input-fails', { id, error: lastError }), rest }
  if (state === 'stopped') return { tone: 'danger', text: t('operate.input-stopped', { id }), rest }
  return state === 'running' && connected === false ? { tone: 'danger', text: t('operate.input-away', { id }), rest } : undefined
}

/** A disk that has less room than a gigabyte, or than a quarter of what the graph has already. */
export function diskProblem(free: number | null | undefined, file: number): Problem | undefined {
  if (typeof free !== 'number' || free >= Math.max(LEAST_FREE, file * LEAST_SHARE)) return undefined
  return { tone: free < LEAST_FREE / 10 ? 'danger' : 'warn', text: t('operate.disk-low', { bytes: bytes(free) }), rest: [] }
}

export function useProblems(metrics: { readonly down: readonly string[] } | undefined): readonly Problem[] {
  const may = useMay()
  const { name: graph } = useGraph()
  const status = useStatus()
  const routes = useList<RouteState>('/kastor/v1/routes', { every: 5000, enabled: may('eventroutes/read') })
  const inputs = useList<Input>('/kastor/v1/inputs', { every: EVERY_MS, enabled: may('kastor/inputs/read') })
  const states = useQueries({
    queries: (inputs.data ?? []).map(({ name }) => ({
      queryKey: [graph, 'operate', inputPath(name, 'status')], refetchInterval: EVERY_MS,
      queryFn: async ({ signal }: { signal: AbortSignal }) => (await send<InputState>(graph, { path: inputPath(name, 'status'), signal })).data,
    })),
  })
  const ofInputs = (inputs.data ?? []).map(({ name }, at) => { const state = states[at]?.data; return state && inputProblem(name, state) })
  const ofParts = (metrics?.down ?? []).map((part): Problem => ({ tone: 'danger', text: t('operate.part-down', { part }), rest: [] }))
  const all = [...ofParts, diskProblem(status.data?.diskFree, status.data?.bytes['file'] ?? 0), ...(routes.data ?? []).map(routeProblem), ...ofInputs]
  return all.filter((each) => each !== undefined).sort((one, other) => Number(other.tone === 'danger') - Number(one.tone === 'danger'))
}
