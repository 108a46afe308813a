/** What a page reads first, and where its feed begins. */
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { type Call, send } from '@/api/http'
import { giveToken, useSession } from '@/api/session'
import { type Feed, makeFeed, useLive } from '@/state/live'
import { TwinStore } from '@/state/twins'
import { json, serve, stream } from './server'

let server: ReturnType<typeof serve>
let twins: TwinStore
let stop: () => void
const gaps: string[] = []

function begin(): Feed {
  twins = new TwinStore()
  const feed = makeFeed('default', twins)
  feed.onGap((why) => gaps.push(why))
  stop = feed.start()
  return feed
}

/** The answer may never come: the test ends before. */
function ask(call: Call, graph = 'default'): ReturnType<typeof send> {
  const asking = send(graph, call)
  asking.catch(() => undefined)
  return asking
}

const settle = (): Promise<unknown> => vi.advanceTimersByTimeAsync(20)
const twin = (value: number): Record<string, unknown> => ({ $dtId: 'a', $metadata: { $model: 'm', $lastUpdateTime: `2026-01-01T00:00:0${value}Z` }, value })
const update = (position: number, value: number): string => `id: ${position}\nevent: x\ndata: ${JSON.stringify({ id: String(position), source: '', type: 'Microsoft.DigitalTwins.Twin.Update', subject: 'a', time: `2026-01-01T00:00:0${value}Z`, data: { modelId: 'm', patch: [{ op: 'replace', path: '/value', value }] } })}\n\n`

beforeEach(() => {
  vi.useFakeTimers()
  gaps.length = 0
  useSession.setState({ token: undefined, waits: false, wanted: undefined })
  server = serve()
})
afterEach(() => { stop(); useSession.setState({ token: undefined, waits: false, wanted: undefined }); vi.useRealTimers(); vi.unstubAllGlobals() })

it('reads nothing of a graph before its feed says where it begins', async () => {
  begin()
  const reading = ask({ path: '/digitaltwins/a' })
  const query = ask({ method: 'POST', path: '/query', body: {} })
  await settle()
  expect(server.asked.map((each) => each.url.pathname)).toEqual(['/kastor/v1/events'])
  const feed = stream()
  server.asked[0]?.answer(feed.response)
  await settle()
  // The head of the answer alone is no position: a stream that breaks now would begin at another one.
  expect(server.asked).toHaveLength(1)
  feed.send('retry: 2000\nid: 7\n\n')
  await settle()
  expect(server.asked.map((each) => each.url.pathname).sort()).toEqual(['/digitaltwins/a', '/kastor/v1/events', '/query'])
  for (const each of server.asked.slice(1)) each.answer(json(twin(1)))
  await Promise.all([reading, query])
  expect([gaps, useLive.getState().connection.state]).toEqual([[], 'live'])
})

it('what changes between the first read and its answer is in the store at last', async () => {
  begin()
  const reading = ask({ path: '/digitaltwins/a' }).then(({ data }) => { twins.put([data as never]) })
  await settle()
  const feed = stream()
  server.asked[0]?.answer(feed.response)
  feed.send('id: 7\n\n')
  await settle()
  feed.send(update(8, 3))
  await settle()
  server.asked[1]?.answer(json(twin(1)))
  await reading
  expect(twins.get('a')?.twin['value']).toBe(3)
})

it('writes, the past, and what no event tells of wait for nothing; another graph neither', async () => {
  begin()
  for (const call of [{ method: 'PATCH' as const, path: '/digitaltwins/a', body: [] }, { path: '/digitaltwins/b', at: '2026-01-01T00:00:00Z' }, { path: '/kastor/v1/me', ahead: true }]) void ask(call)
  void ask({ path: '/digitaltwins/c' }, 'other')
  await settle()
  expect(server.of('digitaltwins').length + server.of('/me').length).toBe(4)
})

it('where the feed begins late all is read anew, once and for all', async () => {
  begin()
  void ask({ path: '/digitaltwins/a' })
  await vi.advanceTimersByTimeAsync(2000)
  expect(server.of('/digitaltwins/a')).toHaveLength(1)
  const feed = stream()
  server.of('events')[0]?.answer(feed.response)
  feed.send('id: 7\n\n')
  await settle()
  expect(gaps).toEqual(['late'])
  feed.end()
  await vi.advanceTimersByTimeAsync(2000)
  const again = server.of('events')[1]
  expect(again?.headers.get('last-event-id')).toBe('7')
  const next = stream()
  again?.answer(next.response)
  next.send('id: 7\n\n')
  await settle()
  expect(gaps).toEqual(['late'])
})

it('a first attempt that breaks has missed what was read meanwhile', async () => {
  begin()
  await settle()
  const broken = stream()
  server.of('events')[0]?.answer(broken.response)
  broken.end()
  await settle()
  expect(useLive.getState().connection.state).toBe('reconnecting')
  void ask({ path: '/digitaltwins/a' })
  await vi.advanceTimersByTimeAsync(2000)
  expect(server.of('/digitaltwins/a')).toHaveLength(1)
  const next = stream()
  server.of('events')[1]?.answer(next.response)
  next.send('id: 9\n\n')
  await settle()
  expect(gaps).toEqual(['late'])
})

it('a position that is gone lets all be read anew, from the one that is asked for then', async () => {
  begin()
  await settle()
  const feed = stream()
  server.of('events')[0]?.answer(feed.response)
  feed.send('id: 7\n\n')
  await settle()
  feed.end()
  await vi.advanceTimersByTimeAsync(2000)
  server.of('events')[1]?.answer(json({ error: { code: 'ChangesGone', message: 'gone' } }, 410))
  await settle()
  void ask({ path: '/digitaltwins/a' })
  await settle()
  expect(server.of('/digitaltwins/a')).toHaveLength(0)
  const next = stream()
  server.of('events')[2]?.answer(next.response)
  expect(server.of('events')[2]?.headers.get('last-event-id')).toBe(null)
  next.send('id: 90\n\n')
  await settle()
  expect([gaps, server.of('/digitaltwins/a').length]).toEqual([['gone'], 1])
})

it('a token that is given lets the feed begin before the reads that wait for it', async () => {
  begin()
  void ask({ path: '/digitaltwins/a' })
  await settle()
  server.of('events')[0]?.answer(json({}, 401))
  await vi.advanceTimersByTimeAsync(2000)
  server.of('/digitaltwins/a')[0]?.answer(json({}, 401))
  await settle()
  giveToken('mine')
  await settle()
  const [last] = server.asked.slice(-1)
  expect([last?.url.pathname, last?.headers.get('authorization'), server.of('/digitaltwins/a').length]).toEqual(['/kastor/v1/events', 'Bearer mine', 1])
  const feed = stream()
  last?.answer(feed.response)
  feed.send('id: 7\n\n')
  await settle()
  expect(server.of('/digitaltwins/a')).toHaveLength(2)
})

it('who may not follow reads all the same, and so does who goes away', async () => {
  begin()
  const reading = ask({ path: '/digitaltwins/a' })
  const stopped = new AbortController()
  const given = ask({ path: '/digitaltwins/b', signal: stopped.signal })
  stopped.abort()
  await settle()
  await expect(given).rejects.toThrow('aborted')
  server.of('events')[0]?.answer(json({ error: { code: 'Forbidden', message: 'no' } }, 403))
  await settle()
  expect(useLive.getState().connection.state).toBe('refused')
  server.of('/digitaltwins/a')[0]?.answer(json(twin(1)))
  await reading
})
