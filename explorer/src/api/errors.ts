import { isObject, type Json } from './json'

export interface ErrorDetail {
  readonly code?: string
  readonly message: string
  /** JSON pointer of the value that is wrong. */
  readonly path?: string
  /** From 1. */
  readonly line?: number
  /** From 0. */
  readonly column?: number
  readonly length?: number
  /** Which model of the request. */
  readonly index?: number
}

/** What the server refused, or why it could not be asked. */
export class ApiError extends Error {
  constructor(
    /** 0 where there was no answer. */
    readonly status: number,
    readonly code: string,
    message: string,
    readonly details: readonly ErrorDetail[] = [],
    readonly headers?: Headers,
    /** All that was answered, where more than the envelope was. */
    readonly body?: Json,
  ) {
    super(message)
    this.name = 'ApiError'
  }

  get isOffline(): boolean { return this.status === 0 }
}

function detailOf(value: Json): ErrorDetail | undefined {
  if (!isObject(value) || typeof value['message'] !== 'string') return undefined
  const { code, message, path, line, column, length, index } = value
  return {
    message,
    ...(typeof code === 'string' && { code }),
    ...(typeof path === 'string' && { path }),
    ...(typeof line === 'number' && { line }),
    ...(typeof column === 'number' && { column }),
    ...(typeof length === 'number' && { length }),
    ...(typeof index === 'number' && { index }),
  }
}

/** Read the contract's envelope; whatever else came is told as it is. */
export function errorOf(status: number, body: Json | undefined, headers: Headers): ApiError {
  const error = isObject(body) ? body['error'] : undefined
  if (!isObject(error)) return new ApiError(status, `Http${status}`, `The server answered ${status}.`, [], headers)
  const details = Array.isArray(error['details']) ? (error['details'] as readonly Json[]).map(detailOf).filter((each) => each !== undefined) : []
  const code = typeof error['code'] === 'string' ? error['code'] : `Http${status}`
  const message = typeof error['message'] === 'string' ? error['message'] : code
  return new ApiError(status, code, message, details, headers, body)
}

export function asApiError(error: unknown): ApiError {
  if (error instanceof ApiError) return error
  return new ApiError(0, 'ExplorerFault', error instanceof Error ? error.message : String(error))
}
