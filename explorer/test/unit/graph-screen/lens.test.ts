import { expect, it } from 'vitest'
import type { Json } from '@/api/json'
import type { CloudEvent } from '@/api/types'
import { follow, missingIn, nothingOf, withAnswer } from '@/features/graph/lensData'

const event = (kind: string, subject: string, data: Json): CloudEvent => ({ id: '', source: '', type: `Microsoft.DigitalTwins.Twin.${kind}`, subject, data })

it('asks about those that are not known, and keeps those that are shown still', () => {
  const first = withAnswer(nothingOf(''), 'level', new Set(['a', 'b']), ['a', 'b'], [['a', 1]])
  expect(missingIn(first, 'level', ['b', 'c'])).toEqual(['c'])
  const next = withAnswer(first, 'level', new Set(['b', 'c', 'a']), ['c'], [['c', 3]])
  expect([...next.values]).toEqual([['a', 1], ['c', 3]])
  const less = withAnswer(next, 'level', new Set(['c']), [], [])
  expect([[...less.values], [...less.asked]]).toEqual([[['c', 3]], ['c']])
})

it('as many other twins are other twins, and another property or instant is asked about anew', () => {
  const known = withAnswer(nothingOf(''), 'level', new Set(['a']), ['a'], [['a', 1]])
  expect(missingIn(known, 'level', ['b'])).toEqual(['b'])
  expect(missingIn(known, 'other', ['a'])).toEqual(['a'])
  expect([...withAnswer(known, 'other', new Set(['a']), ['a'], []).values]).toEqual([])
})

it('follows what happens', () => {
  const values = new Map<string, Json>([['a', 1], ['b', 2], ['c', 3]])
  follow({ of: '', asked: new Set('abcde'), values }, 'part.level', [
    event('Update', 'a', { patch: [{ op: 'replace', path: '/part/level', value: 5 }] }),
    event('Update', 'b', { patch: [{ op: 'remove', path: '/part/level' }] }),
    event('Delete', 'c', {}),
    event('Update', 'd', { patch: [{ op: 'add', path: '/part', value: { level: 7 } }] }),
    event('Create', 'e', { part: { level: 8 } }),
    event('Create', 'f', { part: { level: 9 } }),
  ])
  expect([...values]).toEqual([['a', 5], ['d', 7], ['e', 8]])
})
