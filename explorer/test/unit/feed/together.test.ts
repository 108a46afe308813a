/** Windows that share a stream: each hears all, once, and one of them reads it. */
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { nameOf } from '@/api/together'
import { useSession } from '@/api/session'
import { Browser, type Window } from './windows'

const settle = (): Promise<unknown> => vi.advanceTimersByTimeAsync(1)
const open = new Set<Window>()
let browser: Browser

function windowOf(...of: Parameters<Browser['window']>): Window {
  const made = browser.window(...of)
  open.add(made)
  return made
}

beforeEach(() => {
  vi.useFakeTimers()
  browser = new Browser()
  useSession.setState({ token: undefined, waits: false, wanted: undefined })
})
afterEach(() => {
  for (const each of open) each.member.leave()
  open.clear()
  useSession.setState({ waits: false })
  vi.useRealTimers()
})

it('seven windows read one stream, and each hears all of it', async () => {
  const windows = Array.from({ length: 7 }, (_each, index) => windowOf(`w${index}`))
  await settle()
  browser.change()
  browser.change()
  await settle()
  expect(browser.opened).toHaveLength(1)
  for (const each of windows) expect([each.heard, each.position]).toEqual([['e1', 'e2'], '2'])
})

it('who comes later hears where the stream is, what the models are, and what comes from then on', async () => {
  windowOf('first')
  await settle()
  browser.change()
  await settle()
  const late = windowOf('late')
  await settle()
  expect([late.position, late.models, late.heard]).toEqual(['1', ['{"epoch":4}'], []])
  browser.change()
  await settle()
  expect(late.heard).toEqual(['e2'])
})

it('when the one that leads closes, the next goes on after the last position that it has', async () => {
  const [first, second, third] = [windowOf('first'), windowOf('second'), windowOf('third')]
  await settle()
  browser.change()
  await settle()
  first.member.leave()
  browser.change()
  await settle()
  expect(browser.streams.map((each) => [each.window, each.after])).toEqual([['second', '1']])
  browser.change()
  await settle()
  for (const each of [second, third]) expect(each.heard).toEqual(['e1', 'e2', 'e3'])
})

it('who was told something twice hears it once, and who missed something reads it from the log', async () => {
  const [first, second, third] = [windowOf('first'), windowOf('second'), windowOf('third')]
  await settle()
  browser.deaf.add('second')
  browser.change()
  await settle()
  browser.deaf.clear()
  // The next to lead is behind the third, and what it reads again that one has heard.
  first.member.leave()
  await settle()
  expect([second.heard, third.heard]).toEqual([['e1'], ['e1']])
  browser.deaf.add('third')
  browser.change()
  await settle()
  browser.deaf.clear()
  browser.change()
  await settle()
  expect([third.heard, browser.missedAfter]).toEqual([['e1', 'e2', 'e3'], ['1']])
})

it('while the log cannot be read nothing that was told is lost, and it is asked again after a pause alone', async () => {
  const [first, second] = [windowOf('first'), windowOf('second')]
  await settle()
  browser.change()
  await settle()
  browser.deaf.add('second')
  browser.change()
  await settle()
  browser.deaf.clear()
  browser.failing = 2
  browser.change()
  browser.streams[0]?.handlers.onEvent({ id: undefined, event: 'models', data: '{"epoch":5}' })
  await settle()
  for (let count = 0; count < 1_200; count += 1) { browser.change(); await Promise.resolve() }
  browser.streams[0]?.handlers.onEvent({ id: undefined, event: 'models', data: '{"epoch":6}' })
  await settle()
  expect([browser.missedAfter.length, second.broken, second.heard.length]).toEqual([1, 1, 1])
  await vi.advanceTimersByTimeAsync(5_000)
  expect([browser.missedAfter.length, second.broken]).toEqual([2, 2])
  await vi.advanceTimersByTimeAsync(5_000)
  expect(browser.missedAfter).toHaveLength(3)
  expect(second.models.slice(-2)).toEqual(['{"epoch":5}', '{"epoch":6}'])
  browser.change()
  await settle()
  expect(second.heard).toEqual(first.heard)
})

it('comes back after a pause without a gap, also one that has to be told that too much is gone', async () => {
  windowOf('first')
  await settle()
  for (let count = 0; count < 5; count += 1) browser.change()
  await settle()
  const back = windowOf('back', { last: '2' })
  await settle()
  expect(back.heard).toEqual(['e3', 'e4', 'e5'])
  browser.oldest = 4
  const lost = windowOf('lost', { last: '1' })
  await settle()
  expect([lost.refused, lost.heard]).toEqual(['ChangesGone', []])
})

it('what one is refused the next asks for itself', async () => {
  browser.oldest = 10
  browser.newest = 20
  const lost = windowOf('lost', { last: '3' })
  const fresh = windowOf('fresh')
  await settle()
  expect([lost.refused, fresh.refused, fresh.position]).toEqual(['ChangesGone', undefined, '20'])
})

it('all say that the stream is broken, and that it goes on', async () => {
  const [first, second] = [windowOf('first'), windowOf('second')]
  await settle()
  const [stream] = browser.streams
  stream?.handlers.onBroken?.({ status: 0, code: 'NoAnswer', message: '' } as never, 500, 1)
  await settle()
  const late = windowOf('late')
  await settle()
  expect([first, second, late].map((each) => each.broken > 0)).toEqual([true, true, true])
  browser.newest = 4
  stream?.handlers.onEvent({ id: '4', event: 'message', data: '' })
  await settle()
  expect([first.position, second.position, late.position]).toEqual(['4', '4', '4'])
})

it('a log that went back is followed from there', async () => {
  const [, second] = [windowOf('first'), windowOf('second')]
  browser.newest = 8
  await settle()
  browser.change()
  await settle()
  browser.newest = 2
  browser.streams[0]?.handlers.onEvent({ id: '2', event: 'message', data: '' })
  await settle()
  browser.change()
  await settle()
  expect([second.position, second.heard]).toEqual(['3', ['e9', 'e3']])
})

it('who leads and sleeps is no longer waited for', async () => {
  const [first, second] = [windowOf('first', { begins: false }), windowOf('second')]
  await settle()
  expect(second.position).toBeUndefined()
  await vi.advanceTimersByTimeAsync(60_000)
  expect([browser.streams.map((each) => each.window), second.position, first.position]).toEqual([['second'], '0', '0'])
  browser.change()
  await settle()
  expect([first.heard, second.heard]).toEqual([['e1'], ['e1']])
})

it('who has to sign in first keeps nobody waiting', async () => {
  windowOf('first', { begins: false })
  const second = windowOf('second')
  await settle()
  useSession.setState({ waits: true })
  await settle()
  expect([browser.streams.map((each) => each.window), second.position]).toEqual([['second'], '0'])
})

it('the name is that of the graph and of who asks, and does not tell the token', async () => {
  const names = await Promise.all([nameOf('default', undefined), nameOf('default', 'secret'), nameOf('default', 'other'), nameOf('plant', 'secret'), nameOf('default', 'secret')])
  expect(new Set(names).size).toBe(4)
  expect(names.join(' ')).not.toContain('secret')
})

it('windows of different names hear nothing of each other', async () => {
  const [mine, yours] = [windowOf('mine', { name: 'a' }), windowOf('yours', { name: 'b' })]
  await settle()
  expect(browser.streams).toHaveLength(2)
  browser.streams[0]?.handlers.onEvent({ id: '1', event: 'x', data: 'e1' })
  await settle()
  expect([mine.heard, yours.heard]).toEqual([['e1'], []])
})
