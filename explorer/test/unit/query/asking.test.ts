import { afterEach, expect, it, vi } from 'vitest'
import { explain, useExplains } from '@/features/query/explains'
import { all, cancel, run, useRuns } from '@/features/query/runs'

afterEach(() => { vi.unstubAllGlobals() })

interface Waiting { readonly query: string; readonly answer: (body: unknown) => void }

/** Requests that are answered when the test says so. */
function asked(): Waiting[] {
  const waiting: Waiting[] = []
  vi.stubGlobal('fetch', (_url: string, init: RequestInit) => new Promise<Response>((resolve, reject) => {
    const body = JSON.parse(typeof init.body === 'string' ? init.body : '{}') as { query: string }
    waiting.push({ query: body.query, answer: (answer) => { resolve(new Response(JSON.stringify(answer))) } })
    init.signal?.addEventListener('abort', () => { reject(new DOMException('', 'AbortError')) })
  }))
  return waiting
}

const ask = { graph: 'g', at: undefined, parameters: {} }
const statement = (text: string): { text: string; start: number; end: number } => ({ text, start: 0, end: text.length })
const plan = (step: string): unknown => ({ value: [{ steps: [step] }], continuationToken: null })

it('of two explanations the last one is told, however late the first comes', async () => {
  const waiting = asked()
  const [first, second] = [explain('t', 'SELECT 1', ask), explain('t', 'SELECT 2', ask)]
  waiting[1]?.answer(plan('second'))
  waiting[0]?.answer(plan('first'))
  await Promise.all([first, second])
  const said = useExplains.getState().byTab['t']
  expect([said?.text, said?.state, said?.now?.steps[0]?.text]).toEqual(['SELECT 2', 'done', 'second'])
})

it('rows of the query before are told to be old when the next one is cancelled', async () => {
  const waiting = asked()
  const first = run('t', statement('SELECT 1'), ask)
  waiting[0]?.answer({ value: [{ a: 1 }], continuationToken: null })
  await first
  expect(useRuns.getState().byTab['t']?.isStale).toBe(false)
  const second = run('t', statement('SELECT 2'), ask)
  cancel('t')
  await second
  expect(useRuns.getState().byTab['t']).toMatchObject({ state: 'cancelled', isStale: true })
})

it('all rows wait for the page that is on its way', async () => {
  const waiting = asked()
  const first = run('u', statement('SELECT 1'), ask)
  const whole = all('u', 100)
  waiting[0]?.answer({ value: [{ a: 1 }], continuationToken: 'more' })
  await first
  await vi.waitFor(() => { expect(waiting).toHaveLength(2) })
  waiting[1]?.answer({ value: [{ a: 2 }], continuationToken: null })
  expect((await whole)?.rows.map((row) => row.value)).toEqual([{ a: 1 }, { a: 2 }])
})
