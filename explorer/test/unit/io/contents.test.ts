import { Blob } from 'node:buffer'
import { gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { becameOf, marksOf, sameTwin } from '@/features/io/became'
import { contentsOf, endsElsewhere, MOST_DRAWN, readContents, structureOf } from '@/features/io/contents'
import { modelsWith } from '@/features/io/definitions'
import { importText, EMPTY } from '@/features/io/graph'
import { outcomeOf } from '@/features/io/Progress'
import { reportText } from '@/features/io/Report'
import { NO_MODELS } from '@/dtdl/models'

const lines = [
  '\uFEFF{"Section":"Header"}', '{"fileVersion":"1.0.0"}', '{"Section":"Models"}', '{"@id":"dtmi:a;1","@type":"Interface"}', '{"Section": "Twins"}',
  '{"$dtId":"a","$metadata":{"$model":"dtmi:a;1"},"name":"A"}', '', '{broken', '{"$dtId":"b","$metadata":{"$model":"dtmi:a;1"}}', '{"Section":"Relationships"}',
  '{"$dtId":"a","$relationshipId":"r","$relationshipName":"has","$targetId":"b"}', '{"$sourceId":"b","$relationshipId":"r","$relationshipName":"has","$targetId":"there"}',
  '{"$dtId":"x","$relationshipId":"r","$relationshipName":"has","$targetId":"y"}',
]
const signal = new AbortController().signal
const blob = (bytes: string | Uint8Array): globalThis.Blob => new Blob([bytes]) as unknown as globalThis.Blob

describe('a file', () => {
  it.each([['plain', lines.join('\n')], ['packed', gzipSync(lines.join('\r\n'))]])('%s is read as it comes', async (_kind, bytes) => {
    const contents = await readContents(blob(bytes), signal)
    expect(contents.counts).toEqual({ models: 1, twins: 3, relationships: 3 })
    expect([...contents.keys]).toEqual([[6, 'a'], [9, 'b'], [11, 'a/r'], [12, 'b/r']])
    expect(endsElsewhere(contents)).toEqual(['there'])
    const structure = structureOf(contents, [{ id: 'there', model: 'm', label: 'There' }])
    expect([...structure.nodes.values()].map((node) => node.label)).toEqual(['There', 'A', 'b'])
    expect([...structure.edges.keys()]).toEqual(['a/r', 'b/r'])
  })
  it('is not read to its end when it is too large', async () => {
    const contents = await readContents(blob(`${lines.join('\n')}\n${'{"$dtId":"x"}\n'.repeat(100_000)}`), signal, 1000)
    expect(contents.partly).toBe(true)
  })
  it('that only a server unpacks is not taken for an empty one', async () => {
    await expect(readContents(blob(new Uint8Array([0x28, 0xb5, 0x2f, 0xfd, 0])), signal)).rejects.toThrow()
  })
  it('draws its first twins and counts all', () => {
    const twins = Array.from({ length: MOST_DRAWN + 5 }, (_each, n) => ({ from: '', body: { $dtId: `t${n}`, $metadata: { $model: 'm' } } }))
    const contents = contentsOf({ ...EMPTY, twins })
    expect([contents.counts.twins, contents.twins.size]).toEqual([MOST_DRAWN + 5, MOST_DRAWN])
  })
  it('of relationships alone draws what they lead to', async () => {
    const contents = await readContents(blob(lines.filter((_line, at) => at < 2 || at > 8).join('\n')), signal)
    expect([...contents.edges.keys()]).toEqual(['a/r', 'b/r', 'x/r'])
    expect(endsElsewhere(contents)).toEqual(['a', 'b', 'there', 'x', 'y'])
  })
  it('counts the same lines as the text that is sent', () => {
    const row = (body: Record<string, string>): { from: string; body: Record<string, string> } => ({ from: body['$dtId'] ?? body['$sourceId'] ?? '', body })
    const graph = { ...EMPTY, models: [row({ '@id': 'm' })], twins: [row({ $dtId: 'a' }), row({ $dtId: 'b' })], relationships: [row({ $sourceId: 'a', $targetId: 'b', $relationshipId: 'r', $relationshipName: 'n' })] }
    const { origins } = importText(graph)
    expect([...contentsOf(graph).keys].map(([line, key]) => [origins.get(line), key])).toEqual([['a', 'a'], ['b', 'b'], ['a', 'a/r']])
  })
})

describe('what becomes of twins', () => {
  const twin = (more: object): Record<string, never> => ({ $dtId: 'a', $metadata: { $model: 'm' }, ...more }) as unknown as Record<string, never>
  it('is the same where only the server would see a difference', () => {
    expect(sameTwin(twin({ $etag: 'x', x: 1, part: { $metadata: { y: {} }, y: 2 }, none: { $metadata: {} } }), twin({ part: { $metadata: {}, y: 2 }, x: 1 }))).toBe(true)
    expect(sameTwin(twin({ x: 1 }), twin({}))).toBe(false)
    expect(sameTwin(twin({}), { ...twin({}), $metadata: { $model: 'other' } as never })).toBe(false)
  })
  it('is marked: new, changed, refused, and nothing where nothing changes', async () => {
    const contents = await readContents(blob(lines.join('\n')), signal)
    const there = new Map([['a', { $dtId: 'a', $metadata: { $model: 'dtmi:a;1' }, name: 'A' }]])
    const edge = { key: 'a/r', id: 'r', source: 'a', target: 'other', name: 'has' }
    const became = becameOf(contents, there, new Map([['a/r', edge]]), [9])
    expect([...became]).toEqual([['a', 'unchanged'], ['b', 'refused'], ['a/r', 'changed'], ['b/r', 'new']])
    expect([...marksOf(became)]).toEqual([['b', 'removed'], ['a/r', 'changed'], ['b/r', 'added']])
  })
  it('is counted from what the server says', () => {
    const counts = { models: 3, twins: 10, relationships: 5, replaced: 6, unchanged: 4, errors: 2, warnings: 1 }
    expect(outcomeOf(counts, 1)).toEqual({ new: 10, changed: 2, unchanged: 6, refused: 2 })
    expect(outcomeOf(counts, undefined)).toEqual({ new: 12, changed: 2, unchanged: 4, refused: 2 })
  })
})

it('models of a file have colours and components before they are stored', () => {
  const known = modelsWith(NO_MODELS, [
    { '@id': 'dtmi:b;1', displayName: { en: 'Bee' }, extends: ['dtmi:a;1'], contents: [{ '@type': 'Component', name: 'c', schema: 'dtmi:c;1' }] },
    { '@id': 'dtmi:a;1', displayName: 'Ay', contents: [{ '@type': 'Component', name: 'own', schema: { '@id': 'dtmi:c;1' } }, { '@type': 'Property', name: 'p' }] },
  ])
  expect([known.name('dtmi:b;1'), known.name('dtmi:a;1'), known.is('dtmi:b;1', 'dtmi:a;1')]).toEqual(['Bee', 'Ay', true])
  expect(known.get('dtmi:b;1')?.contents.map((each) => [each.name, each.definedBy, each.model])).toEqual([['c', 'dtmi:b;1', 'dtmi:c;1'], ['own', 'dtmi:a;1', 'dtmi:c;1']])
})

it('a report holds nothing that a spreadsheet runs or splits', () => {
  expect(reportText([{ from: 'S 2', text: '=1+1\tno', error: true }, { from: '', text: 'well', error: false }])).toBe("error\tS 2\t'=1+1 no\nwarning\t\twell\n")
})
