import { describe as group, expect, it } from 'vitest'
import { ApiError } from '@/api/errors'
import { parseJson, writeJson } from '@/api/json'
import { Models } from '@/dtdl/models'
import type { ResolvedContent, ResolvedModel } from '@/dtdl/model'
import { treeOf, allKeys } from '@/features/models/data'
import { candidatesOf, type Candidate } from '@/features/models/files'
import { closing, opening, readMending, writing } from '@/features/models/mending'
import { asText, byFile, problemsOf, sentOf, whereOf } from '@/features/models/problems'
import { compareContents } from '@/features/models/schema'

const model = (id: string, bases: readonly string[] = [], all: readonly string[] = bases): ResolvedModel => ({ id, displayName: {}, description: {}, dtdlVersion: 3, decommissioned: false, uploadTime: '', extends: bases, bases: all, contents: [] })
const zoo = new Models(1, [model('a'), model('b', ['a']), model('c', ['a']), model('d', ['b', 'c'], ['b', 'c', 'a'])])

group('the tree', () => {
  it('shows a model under each of its parents', () => {
    expect(treeOf(zoo, allKeys(zoo), () => true).map((row) => `${row.depth}${row.id}${row.again ? '+' : ''}`)).toEqual(['0a', '1b', '2d', '1c', '2d+'])
  })
  it('keeps the way to what matches', () => {
    expect(treeOf(zoo, allKeys(zoo), (id) => id === 'c').map((row) => row.id)).toEqual(['a', 'c'])
  })
  it('finds families below a shared root', () => {
    expect(zoo.families).toEqual(['c', 'b', 'a'])
    expect(zoo.family('d')).toMatch(/[bc]/)
  })
})

group('an upload', () => {
  const text = (value: unknown): string => JSON.stringify(value)
  it('knows what is new, there, changed, twice, unnamed, and what is missing', () => {
    const { all, unread } = candidatesOf([
      { file: 'one.json', text: `\uFEFF${text([{ '@id': 'b', x: 1 }, { '@id': 'c', x: 2 }, { '@id': 'n', extends: ['a', 'dtmi:gone;1'] }, { '@id': 'n' }, {}])}` },
      { file: 'two.json', text: '{' },
    ], zoo, new Map([['b', { x: 1, '@id': 'b' }], ['c', { '@id': 'c' }]]))
    expect(all.map((each) => each.state)).toEqual(['same', 'changed', 'new', 'twice', 'unnamed'])
    expect(all[2]?.missing).toEqual(['dtmi:gone;1'])
    expect(unread.map((each) => each.file)).toEqual(['two.json'])
  })
  it('gives each problem to its model, and those of none to the whole', () => {
    const texts = ['{"@id": "x"}', '\n{\n  "@id": "y",\n  "contents": [{ "@type": "Property", "näme": "a" }]\n}']
    const sent = sentOf(['x', 'y'].map((id, index): Candidate => ({ id, model: {}, file: `${id}.json`, text: texts[index] ?? '', from: index, to: texts[index]?.length ?? 0, state: 'new', missing: [] })))
    const problems = problemsOf(new ApiError(400, 'DTDLParserError', 'No.', [
      { code: 'bad', message: 'm1', path: '/1/contents/0/name', line: 4, column: 34 }, { message: 'm2' }, { message: 'm3', index: 0, path: '' },
    ]), sent)
    expect([...byFile(problems)].map(([file, list]) => [file, list.map((each) => each.pointer)])).toEqual([['x.json', ['']], ['y.json', ['/contents/0/name']], ['', ['']]])
    expect(problems.map(whereOf)).toEqual(['y.json:4:35', '', 'x.json:1:1'])
    expect(asText(problems)).toContain('y.json:4:35 y/contents/0/name\n    bad: m1')
  })
})

it('a comparison sees meaning, not words', () => {
  const property = (name: string, kind: 'double' | 'string', said = ''): ResolvedContent => ({ name, kind: 'property', definedBy: 'a', displayName: { en: said }, description: {}, semanticTypes: [], schema: { kind } })
  expect(compareContents([property('same', 'double', 'x'), property('gone', 'double'), property('other', 'double')], [property('same', 'double', 'y'), property('other', 'string'), property('new', 'string')])
    .map((each) => `${each.name} ${each.what}`)).toEqual(['gone removed', 'other changed', 'new added'])
})

it('what is written in one file stays while another is opened, and what is taken or given up does not', () => {
  const [a, b] = [{ file: 'a.json', at: 3 }, { file: 'b.json', at: 0 }]
  const opened = opening([], a)
  expect(opening(opened, a)).toEqual([])
  expect(opening(opened, b)).toEqual([{ ...b, text: undefined }])
  const written = writing(opened, 'a.json', '{', '{}')
  expect(opening(written, b)).toEqual([{ ...a, text: '{' }, { ...b, text: undefined }])
  expect(opening(written, a)).toEqual(written)
  expect(opening(written, { ...a, at: 9 })).toEqual([{ file: 'a.json', at: 9, text: '{' }])
  expect(writing(written, 'a.json', '{}', '{}')).toEqual(opened)
  expect(closing(opening(written, b), 'a.json')).toEqual([{ ...b, text: undefined }])
  expect(readMending(parseJson(writeJson([...written, { file: 5 }])))).toEqual(written)
  expect(readMending({})).toEqual([])
})
