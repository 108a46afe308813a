import { describe, expect, it } from 'vitest'
import { at, ExactNumber, isNumberText, joinPointer, parseJson, sameJson, splitPointer, writeJson } from '@/api/json'

describe('numbers survive', () => {
  it.each(['9223372036854775807', '-9223372036854775808', '18446744073709551615', '0.12345678901234567890'])('%s', (text) => {
    const read = parseJson(`{"n":${text},"s":"12345678901234567890"}`)
    expect(at(read, '/n')).toBeInstanceOf(ExactNumber)
    expect(at(read, '/s')).toBe('12345678901234567890')
    expect(writeJson(read)).toBe(`{"n":${text},"s":"12345678901234567890"}`)
  })
  it('ordinary ones are numbers', () => {
    expect(parseJson('[1,1.5,9007199254740991,1e3]')).toEqual([1, 1.5, 9007199254740991, 1000])
  })
  it('tells number texts', () => {
    expect(['1', '-1.5', '1e5', '01', '+1', '1.', 'a'].map(isNumberText)).toEqual([true, true, true, false, false, false, false])
  })
})

describe('pointers', () => {
  it('are split and joined', () => {
    expect(splitPointer(joinPointer(['a/b', 'c~d', '']))).toEqual(['a/b', 'c~d', ''])
  })
  it('do not reach what is inherited', () => {
    expect(at({}, '/constructor')).toBeUndefined()
  })
})

it('members have no order', () => {
  expect(sameJson({ a: 1, b: [1, 2] }, { b: [1, 2], a: 1 })).toBe(true)
  expect(sameJson({ a: 1 }, { a: 2 })).toBe(false)
  expect(sameJson({ a: null }, {})).toBe(false)
})
