/** Writes of several things at once: all or none. */
import { ApiError } from '@/api/errors'
import { send } from '@/api/http'
import { isObject, type Json, type JsonObject } from '@/api/json'

export interface BatchOperation {
  readonly op: 'put' | 'delete'
  readonly kind: 'twin' | 'relationship'
  readonly id: string
  readonly source?: string
  readonly body?: JsonObject
  readonly ifMatch?: string
  readonly ifNoneMatch?: string
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

/** Send operations that are applied together or not at all. */
export async function batch(graph: string, operations: readonly BatchOperation[]): Promise<void> {
  try {
    await send(graph, { method: 'POST', path: '/kastor/v1/batch', body: { atomic: true, operations } })
  } catch (error) {
    // What was refused stands in the result of its operation.
    const inner = error instanceof ApiError && isObject(error.body) ? refusal(error.body['results']) : undefined
    throw inner ?? error
  }
}
