import { expect, it } from 'vitest'
import { rank } from '@/commands/rank'

const best = (typed: string, texts: readonly string[]): string[] => texts.map((text) => ({ text, hit: rank(text, typed) })).filter((each) => each.hit).sort((one, other) => (other.hit?.score ?? 0) - (one.hit?.score ?? 0)).map((each) => each.text)

it('beginnings come before words, words before the inside', () => {
  expect(best('haz', ['Chazel', 'Meeting room Hazel', 'Hazel'])).toEqual(['Hazel', 'Meeting room Hazel', 'Chazel'])
})
it('takes words in any order and letters in order', () => {
  expect(rank('Meeting room Hazel', 'hazel room')?.marks).toEqual([[8, 4], [13, 5]])
  expect(rank('Copy link', 'cplk')).toBeDefined()
  expect(rank('Copy link', 'xyz')).toBeUndefined()
  expect(rank('a', 'ab')).toBeUndefined()
})
it('marks the word and not the place inside an earlier one', () => {
  expect(rank('unit it', 'it')?.marks).toEqual([[5, 2]])
})
