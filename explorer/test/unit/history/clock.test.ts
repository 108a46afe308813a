import { describe, expect, it } from 'vitest'
import { isSameButAt, LEAST_MS, PATIENCE_MS, playedTo, playStart, Scrubber } from '@/state/clock'

/** A clock that is moved by hand. */
interface Hand { now: number; waiting: number; gone: (readonly [number, number | undefined])[]; scrubber: Scrubber; pass: (ms: number) => void }

function byHand(): Hand {
  let timers: { at: number; run: () => void }[] = []
  const hand: Hand = {
    now: 0, waiting: 0, gone: [],
    scrubber: new Scrubber({
      now: () => hand.now, waiting: () => hand.waiting, go: (ms) => { hand.gone.push([hand.now, ms]) },
      later: (run, ms) => { const timer = { at: hand.now + ms, run }; timers.push(timer); return () => { timers = timers.filter((each) => each !== timer) } },
    }),
    pass: (ms: number) => {
      const end = hand.now + ms
      for (;;) {
        const next = timers.filter((each) => each.at <= end).sort((one, other) => one.at - other.at)[0]
        if (!next) break
        timers = timers.filter((each) => each !== next)
        hand.now = next.at
        next.run()
      }
      hand.now = end
    },
  }
  return hand
}

describe('a handle that is dragged', () => {
  it('is read at most eight times a second, and where it stays last of all', () => {
    const hand = byHand()
    for (let step = 0; step < 100; step += 1) { hand.scrubber.want(step); hand.pass(10) }
    hand.pass(1000)
    expect(hand.gone.length).toBeLessThanOrEqual(9)
    expect(hand.gone.at(-1)?.[1]).toBe(99)
    for (let index = 1; index < hand.gone.length; index += 1) expect((hand.gone[index]?.[0] ?? 0) - (hand.gone[index - 1]?.[0] ?? 0)).toBeGreaterThanOrEqual(LEAST_MS)
  })

  it('waits for what is being read, but not for ever', () => {
    const hand = byHand()
    hand.scrubber.want(1)
    hand.waiting = 1
    hand.scrubber.want(2)
    hand.pass(LEAST_MS * 4)
    expect(hand.gone.map((each) => each[1])).toEqual([1])
    hand.pass(PATIENCE_MS)
    expect(hand.gone.map((each) => each[1])).toEqual([1, 2])
  })

  it('is read at once when it is let go', () => {
    const hand = byHand()
    hand.scrubber.want(1)
    hand.scrubber.want(2)
    hand.scrubber.settle()
    expect(hand.gone.map((each) => each[1])).toEqual([1, 2])
    hand.pass(5000)
    expect(hand.gone.length).toBe(2)
  })

  it('comes back to now', () => {
    const hand = byHand()
    hand.scrubber.want(undefined)
    expect(hand.gone).toEqual([[0, undefined]])
    hand.scrubber.want(5)
    hand.scrubber.stop()
    hand.pass(1000)
    expect(hand.gone.length).toBe(1)
  })
})

it('playing comes to now and ends there', () => {
  expect(playedTo(0, 100_000, 60, 101_000)).toBe(60_000)
  expect(playedTo(0, 100_000, 600, 101_000)).toBeUndefined()
  expect(playedTo(100_000, 100_000, 1, 101_000)).toBeUndefined()
  expect(playStart(undefined, 0, 10_000_000, 60)).toBe(10_000_000 - 900_000)
  expect(playStart([5, 6], 7, 10_000_000, 60)).toBe(7)
})

it('what was read of another instant is of the same thing', () => {
  expect(isSameButAt(['g', 'twin', 'a', 'x', 0], ['g', 'twin', 'a', 'y', 0], 'y')).toBe(true)
  expect(isSameButAt(['g', 'twin', 'a', undefined, 0], ['g', 'twin', 'a', 'y', 0], 'y')).toBe(true)
  expect(isSameButAt(['g', 'twin', 'a', 'x', 0], ['g', 'twin', 'a', undefined, 0], undefined)).toBe(true)
  expect(isSameButAt(['g', 'twin', 'b', 'y', 0], ['g', 'twin', 'a', 'y', 0], 'y')).toBe(false)
  expect(isSameButAt(['g', 'twin', 'b', 'x', 0], ['g', 'twin', 'a', 'y', 0], 'y')).toBe(false)
  expect(isSameButAt(['g', 'twin', 'a'], ['g', 'twin', 'a', 'y', 0], 'y')).toBe(false)
})
