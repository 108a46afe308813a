/** A text is checked while nobody types: the server explains it, and says what is wrong (design 5.2). */
import { useEffect, useState } from 'react'
import { ApiError, asApiError } from '@/api/errors'
import { send } from '@/api/http'
import type { Json } from '@/api/json'
import type { QueryPage } from '@/api/types'
import { isExplain } from '@/lang/query'
import { useGraph } from '@/state/graph'
import { useSettings } from '@/state/settings'
import { explainedOf } from './explains'

export interface Check { readonly text: string; readonly error: ApiError | undefined; readonly warnings: readonly string[] }

const QUIET_MS = 400
const LONGEST = 2000
const NOTHING: Check = { text: '', error: undefined, warnings: [] }

/** Check a statement; `idle` is false while a query runs. */
export function useCheck(text: string, parameters: Readonly<Record<string, Json>>, idle: boolean): Check {
  const { name, at } = useGraph()
  const wanted = useSettings((state) => state.checkQueries)
  const [check, setCheck] = useState<Check>(NOTHING)
  useEffect(() => {
    if (!idle || !wanted || text === '' || text.length > LONGEST || isExplain(text)) return undefined
    const stop = new AbortController()
    const timer = setTimeout(() => {
      send<QueryPage>(name, {
        method: 'POST', path: '/query', at, signal: stop.signal, headers: { 'max-items-per-page': '1' },
        body: { query: `EXPLAIN ${text}`, ...(Object.keys(parameters).length > 0 && { parameters }) },
      }).then(({ data }) => { setCheck({ text, error: undefined, warnings: explainedOf(data.value[0])?.warnings ?? [] }) }, (thrown: unknown) => {
        const error = asApiError(thrown)
        // Only what the text is to blame for is told; a server that is away shows elsewhere.
        if (!stop.signal.aborted) setCheck({ text, error: error.status === 400 ? shifted(error) : undefined, warnings: [] })
      })
    }, QUIET_MS)
    return () => { clearTimeout(timer); stop.abort() }
  }, [name, at, text, parameters, idle, wanted])
  return check.text === text ? check : NOTHING
}

/** What is said of `EXPLAIN text` is of the text: the first line began later. */
function shifted(error: ApiError): ApiError {
  const lead = 'EXPLAIN '.length
  return new ApiError(error.status, error.code, error.message, error.details.map((detail) => (detail.line === 1 && detail.column !== undefined ? { ...detail, column: Math.max(0, detail.column - lead) } : detail)))
}
