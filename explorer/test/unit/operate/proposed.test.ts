import { expect, test } from 'vitest'
import { linesOf } from '@/features/operate/proposed'
import { visible } from '@/text/visible'

test('each value that changes has a line with the one that is there', () => {
  const lines = linesOf([
    { kind: 'twin', id: 'room', what: 'changed', patch: [{ op: 'replace', path: '/capacity', value: 8, was: 6 }, { op: 'remove', path: '/name', was: 'Hall' }, { op: 'add', path: '/floor', value: null }] },
    { kind: 'relationship', id: 'r', source: 'a', what: 'removed', before: { $targetId: 'b' } },
    { kind: 'twin', id: 'new', what: 'added', after: { n: 1 } },
  ])
  expect(lines.map(({ what, name, path, before, after }) => [what, name, path, before, after])).toEqual([
    ['changed', 'room', '/capacity', '6', '8'],
    ['changed', 'room', '/name', '"Hall"', ''],
    ['changed', 'room', '/floor', '', 'null'],
    ['removed', 'a → r', '', '{"$targetId":"b"}', ''],
    ['added', 'new', '', '', '{"n":1}'],
  ])
  expect(new Set(lines.map(({ key }) => key)).size).toBe(lines.length)
})

test('nothing in a text of somebody else is hidden', () => {
  expect(visible('a\u202Eb\u200Bc\nd')).toBe('a\\u{202e}b\\u{200b}c\\u{a}d')
  expect(visible('Räume 🏢 日本')).toBe('Räume 🏢 日本')
  expect(linesOf([{ kind: 'twin', id: 'a\u2066', what: 'changed', patch: [{ op: 'add', path: '/x', value: '\u202Eok' }] }])[0]).toMatchObject({ name: 'a\\u{2066}', after: '"\\u{202e}ok"' })
})
