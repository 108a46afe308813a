import fc from 'fast-check'
import { expect, it } from 'vitest'
import { ApiError } from '@/api/errors'
import { Models } from '@/dtdl/models'
import { faultOf } from '@/features/models/fault'
import { candidatesOf } from '@/features/models/files'
import { problemsOf, sentOf, whereOf } from '@/features/models/problems'
import { elementsOf, joined, offsetOf, offsetOfPointer, partAt, positionOf, tokenSpan } from '@/features/models/spans'

it('finds the elements of any list, however it is written', () => {
  fc.assert(fc.property(fc.array(fc.jsonValue(), { maxLength: 6 }), fc.integer({ min: 0, max: 3 }), (values, indent) => {
    const text = ` \uFEFF${JSON.stringify(values, undefined, indent)}\n`
    expect(elementsOf(text).map(({ from, to }) => JSON.parse(text.slice(from, to)) as unknown)).toEqual(JSON.parse(JSON.stringify(values)))
  }))
})

it('takes what is no list for one value', () => {
  const text = '\n {"a": [1, "]"]} '
  expect(elementsOf(text).map(({ from, to }) => text.slice(from, to))).toEqual(['{"a": [1, "]"]}'])
})

it('goes where a pointer leads, and as far as there is something', () => {
  const text = '[{"a/b": {"c": [10, {"d\\"": 1}]}, "e": 2}]'
  const at = (...parts: readonly string[]): string => text.slice(offsetOfPointer(text, parts))
  expect([at('0', 'a/b', 'c', '1', 'd"').slice(0, 5), at('0', 'a/b', 'c', '0').slice(0, 2), at('0', 'e').slice(0, 3), at('0', 'a/b', 'none').slice(0, 4), at('7').slice(0, 2)]).toEqual(['"d\\""', '10', '"e"', '{"c"', '[{'])
})

it('counts lines from 1, and columns as the server does: code points', () => {
  const text = 'a\n😀😀x\n'
  expect([offsetOf(text, 2, 2), positionOf(text, 6), offsetOf(text, 9, 0)]).toEqual([6, { line: 2, column: 5 }, text.length])
  expect(tokenSpan('{ "a b": 1}', 1)).toEqual({ from: 2, to: 7 })
})

it('the way from a place of a request to the file goes back the way it came', () => {
  const parts = ['{"a":\n1}', '{}', '[\n\n]']
  const all = joined(parts)
  expect(JSON.parse(all.text)).toEqual([{ a: 1 }, {}, []])
  parts.forEach((part, index) => { for (const offset of [0, part.length - 1]) expect(partAt(all, (all.starts[index] ?? 0) + offset)).toEqual({ index, offset }) })
})

it('a problem is told where it stands in its file, whatever else was sent', () => {
  const two = '[\n  {"@id": "b"},\n  {\n    "@id": "c",\n    "contents": [{"name": 1}]\n  }\n]'
  const { all } = candidatesOf([{ file: 'one.json', text: '{\n"@id": "a"\n}' }, { file: 'two.json', text: two }], new Models(1, []), new Map())
  const sent = sentOf(all)
  const line = sent.body.text.split('\n').findIndex((each) => each.includes('"contents"'))
  const column = sent.body.text.split('\n')[line]?.indexOf('"name"') ?? -1
  const told = (detail: object): string => problemsOf(new ApiError(400, 'X', 'm', [{ message: 'm', ...detail }]), sent).map(whereOf).join()
  expect(told({ path: '/2/contents/0/name', index: 2, line: line + 1, column })).toBe('two.json:5:19')
  // Where the server names no line, the pointer says it.
  expect(told({ path: '/2/contents/0/name' })).toBe('two.json:5:19')
  expect(told({ path: '/1/@id', index: 1 })).toBe('two.json:2:4')
  expect(told({})).toBe('')
})

it('what is no JSON says where it stops being it', () => {
  const { unread } = candidatesOf([{ file: 'bad.json', text: '\uFEFF{"@id": "a",\n "x": tru }' }], new Models(1, []), new Map())
  expect(unread.map((each) => [each.file, each.text?.slice(each.offset)])).toEqual([['bad.json', 'tru }']])
})

it.each([['', 0], ['{"a":1,}', 7], ['[1,]', 3], ['[1 2]', 3], ['{"a" 1}', 5], ['{a:1}', 1], ['[1', 2], ['{"a":"x\n"}', 5], ['1 1', 2], ['01', 0], ['[nul]', 1], ["{'a':1}", 1], ['{"a":1]', 6], ['"\\x"', 0]])('%j is at fault at %i', (text, offset) => {
  expect(faultOf(text)).toBe(offset)
  expect(() => JSON.parse(text) as unknown).toThrow()
})

it('has nothing against what is JSON, and something against all that is none', () => {
  fc.assert(fc.property(fc.jsonValue(), fc.integer({ min: 0, max: 2 }), (value, indent) => { expect(faultOf(JSON.stringify(value, undefined, indent))).toBeUndefined() }))
  const isJson = (text: string): boolean => { try { JSON.parse(text); return true } catch { return false } }
  fc.assert(fc.property(fc.string({ unit: fc.constantFrom('{', '}', '[', ']', ',', ':', '"', 'a', '1', '-', '.', ' ', 'true'), maxLength: 8 }), (text) => { expect(faultOf(text) === undefined).toBe(isJson(text)) }))
})
