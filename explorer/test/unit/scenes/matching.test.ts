import fc from 'fast-check'
import { expect, it } from 'vitest'
import { matchesOf, missingHoles, readPattern, suggestPattern } from '@/features/scenes/matching'

it('a hole stands for any text, and is filled into the twin', () => {
  expect(matchesOf(['room-1', 'room-22', 'wall-1', 'room-'], 'room-{n}', 'r{n}-twin')).toEqual([{ element: 'room-1', twin: 'r1-twin' }, { element: 'room-22', twin: 'r22-twin' }])
  expect(matchesOf(['room-2-14'], 'room-{floor}-{n}', '{floor}.{n}')).toEqual([{ element: 'room-2-14', twin: '2.14' }])
})

it('without a pattern of the twin its id is the element\'s', () => {
  expect(matchesOf(['a1', 'b1'], 'a{n}', '')).toEqual([{ element: 'a1', twin: 'a1' }])
})

it('one hole holds the same text everywhere', () => {
  expect(matchesOf(['7-7', '7-8'], '{n}-{n}', '{n}')).toEqual([{ element: '7-7', twin: '7' }])
})

it('all other text is itself', () => {
  fc.assert(fc.property(fc.string({ minLength: 1, maxLength: 40 }).filter((text) => !/[{}]/.test(text) && text.trim() !== ''), (text) => {
    expect(readPattern(text)?.test(text)).toBe(true)
    expect(readPattern(text)?.test(`${text}x`)).toBe(false)
  }))
  expect(matchesOf(['constructor', '__proto__'], '{n}', 'x-{n}').map((each) => each.twin)).toEqual(['x-constructor', 'x-__proto__'])
})

it('tells of a hole that cannot be filled, and of no pattern', () => {
  expect(missingHoles('room-{n}', '{floor}-{n}')).toEqual(['floor'])
  expect(readPattern(' ')).toBeUndefined()
  expect(matchesOf(['a'], '', '')).toEqual([])
})

it('suggests what most ids begin with', () => {
  expect(suggestPattern(['room-2-01', 'room-2-02', 'door-1', 'legend'])).toBe('room-2-{n}')
  expect(suggestPattern(['a', 'b'])).toBe('')
})
