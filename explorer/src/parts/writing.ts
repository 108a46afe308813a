/** Writes of several things at once: all or none. */
import { ApiError } from '@/api/errors'
import { path, send } from '@/api/http'
import { isObject, type Json, type JsonObject } from '@/api/json'

export interface BatchOperation {
  readonly op: 'put' | 'delete'
  readonly kind: 'twin' | 'relationship'
  readonly id: string
  readonly source?: string
  readonly body?: JsonObject
  readonly ifNoneMatch?: string
  readonly ifMatch?: string | undefined
}

/** Find the first refusal among the results of a batch. */
function refusal(results: Json | undefined): ApiError | undefined {
  if (!Array.isArray(results)) return undefined
  for (const each of results as readonly Json[]) {
    const error = isObject(each) ? each['error'] : undefined
    const status = isObject(each) ? each['status'] : undefined
    if (!isObject(error) || typeof error['code'] !== 'string') continue
    const details = Array.isArray(error['details']) ? (error['details'] as readonly Json[]).flatMap((detail) => (isObject(detail) && typeof detail['message'] === 'string' ? [{ message: detail['message'], ...(typeof detail['path'] === 'string' && { path: detail['path'] }) }] : [])) : []
    return new ApiError(typeof status === 'number' ? status : 400, error['code'], String(error['message'] ?? error['code']), details)
  }
  return undefined
}

async function sendOne(graph: string, { op, kind, id, source, body, ifNoneMatch, ifMatch }: BatchOperation): Promise<void> {
  const where = kind === 'twin' ? path('/digitaltwins/{id}', { id }) : path('/digitaltwins/{source}/relationships/{id}', { source: source ?? '', id })
  await send(graph, { method: op === 'put' ? 'PUT' : 'DELETE', path: where, body, headers: { 'if-none-match': ifNoneMatch, 'if-match': ifMatch } })
}

/** Where somebody may write but not in batches: one after the other. What was made is taken away again if a later one is refused. */
async function oneByOne(graph: string, operations: readonly BatchOperation[]): Promise<void> {
  const made: BatchOperation[] = []
  try {
    for (const each of operations) {
      await sendOne(graph, each)
      if (each.op === 'put') made.unshift(each)
    }
  } catch (error) {
    for (const { kind, id, source } of made) await sendOne(graph, { op: 'delete', kind, id, ...(source !== undefined && { source }) }).catch(() => undefined)
    throw error
  }
}

/** Send operations that are applied together or not at all. */
export async function batch(graph: string, operations: readonly BatchOperation[]): Promise<void> {
  try {
    await send(graph, { method: 'POST', path: '/kastor/v1/batch', body: { atomic: true, operations } })
  } catch (error) {
    const results = error instanceof ApiError && isObject(error.body) ? error.body['results'] : undefined
    if (error instanceof ApiError && error.status === 403 && results === undefined) { await oneByOne(graph, operations); return }
    // What was refused stands in the result of its operation.
    throw refusal(results) ?? error
  }
}
