/** Imports run as jobs: closing the page does not stop them. */
import { useQuery, type UseQueryResult } from '@tanstack/react-query'
import { open, path, send } from '@/api/http'
import { pages } from '@/api/pages'
import { at, isObject, type Json, type JsonObject, parseJson, writeJson } from '@/api/json'
import { newUuid } from '@/parts/values/show'
import { useGraph } from '@/state/graph'

export interface ImportJob {
  readonly id: string
  readonly status: string
  readonly createdDateTime?: string
  readonly dryRun?: boolean
  readonly progress?: { readonly done: number; readonly of?: number; readonly unit: string }
  readonly counts?: Readonly<Record<string, number>>
  readonly error?: { readonly code: string; readonly message: string }
}

export interface Report { readonly line: number | undefined; readonly kind: 'Error' | 'Warning'; readonly id: string; readonly text: string }

const ENDED = new Set(['succeeded', 'failed', 'cancelled'])
const EVERY_MS = 400
const MOST_REPORTED = 100_000
const MOST_LISTED = 5
const LIST_MS = 10_000

export function hasEnded(job: ImportJob | undefined): boolean { return job !== undefined && ENDED.has(job.status) }

/** Begin an import, or the check of one. */
export async function beginImport(graph: string, body: Blob | string, dryRun: boolean): Promise<string> {
  const response = await open(graph, { method: 'POST', path: '/kastor/v1/jobs/imports', raw: body, headers: { 'content-type': 'application/x-ndjson', 'operation-id': newUuid(), ...(dryRun && { 'kastor-dry-run': 'true' }) } })
  const job = parseJson(await response.text())
  const id = at(job, '/id')
  return typeof id === 'string' ? id : ''
}

export function useImportJob(id: string | undefined): UseQueryResult<ImportJob> {
  const { name } = useGraph()
  return useQuery<ImportJob>({
    queryKey: [name, 'import', id], enabled: id !== undefined, retry: 3,
    refetchInterval: (query) => (hasEnded(query.state.data) ? false : EVERY_MS),
    queryFn: async ({ signal }) => (await send<ImportJob>(name, { path: path('/kastor/v1/jobs/imports/{id}', { id: id ?? '' }), signal })).data,
  })
}

/** The imports that were begun last, those that somebody else began among them. */
export function useLastImports(enabled: boolean): UseQueryResult<readonly ImportJob[]> {
  const { name } = useGraph()
  return useQuery({
    queryKey: [name, 'imports'], enabled, refetchInterval: LIST_MS,
    queryFn: async ({ signal }) => {
      let all: readonly ImportJob[] = []
      // Pages come oldest first.
      for await (const { data } of pages<ImportJob>(name, { path: '/kastor/v1/jobs/imports', signal })) all = [...all, ...data.value].filter((job) => job.dryRun !== true).slice(-MOST_LISTED)
      return all.toReversed()
    },
  })
}

/** What the log says of single lines. */
export function useReport(id: string | undefined, ended: boolean): UseQueryResult<readonly Report[]> {
  const { name } = useGraph()
  return useQuery({
    queryKey: [name, 'import', id, 'log'], enabled: id !== undefined && ended, staleTime: Infinity,
    queryFn: async ({ signal }) => {
      const response = await open(name, { path: path('/kastor/v1/jobs/imports/{id}/log', { id: id ?? '' }), signal, headers: { accept: 'application/x-ndjson' } })
      return reportsOf(await response.text())
    },
  })
}

export function reportsOf(log: string): readonly Report[] {
  return log.split('\n').filter((line) => line !== '').flatMap((line): Report[] => {
    const entry = parseJson(line)
    const kind = at(entry, '/logType')
    const details = at(entry, '/details')
    // How the job ended is told by the job.
    if ((kind !== 'Error' && kind !== 'Warning') || !isObject(details) || details['section'] === undefined) return []
    return [{ kind, line: typeof details['line'] === 'number' ? details['line'] : undefined, id: typeof details['id'] === 'string' ? details['id'] : '', text: messageOf(details) }]
  }).slice(0, MOST_REPORTED)
}

function messageOf(details: JsonObject): string {
  const error = details['error'] ?? details['warning']
  if (!isObject(error) || typeof error['message'] !== 'string') return writeJson(details)
  const told = Array.isArray(error['details']) ? (error['details'] as readonly Json[]).flatMap((each) => (isObject(each) && typeof each['message'] === 'string' ? [each['message']] : [])) : []
  // What is wrong in particular says more than that something is wrong.
  return told.length > 0 ? told.join(' ') : error['message']
}

export async function cancelImport(graph: string, id: string): Promise<void> { await send(graph, { method: 'POST', path: path('/kastor/v1/jobs/imports/{id}/cancel', { id }) }) }
