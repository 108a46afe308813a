import { describe, expect, it } from 'vitest'
import type { ResolvedModel } from '@/dtdl/model'
import { Models } from '@/dtdl/models'
import { asExplorer, closureOf, exported, streamOf, type Line, type Opener, type Wanted } from '@/features/io/exporting'

const WHOLE = '{"Section":"Header"}\n{"fileVersion":"1.0.0","author":"Kastor"}\n{"Section":"Models"}\n{"@id":"dtmi:a;1"}\n{"@id":"dtmi:b;1"}\n{"Section":"Twins"}\n{"$dtId":"x","n":9223372036854775807}\n{"$dtId":"y"}\n{"Section":"Relationships"}\n{"$dtId":"x","$relationshipId":"r","$relationshipName":"has","$targetId":"y","n":1.0}\n'
const part = (section: string, ...lines: readonly string[]): string => `{"Section":"Header"}\n{"fileVersion":"1.0.0","author":"Kastor"}\n{"Section":"${section}"}\n${lines.map((line) => `${line}\n`).join('')}`

/** A server that answers in pieces of a few bytes. */
function server(): { readonly asked: (string | undefined)[]; readonly from: Opener } {
  const asked: (string | undefined)[] = []
  const from: Opener = (query) => {
    asked.push(query)
    if (query === 'wrong') return Promise.reject(new Error('SqlQueryError'))
    const text = query === undefined ? WHOLE : query.includes('RELATIONSHIPS') ? part('Relationships', '{"$dtId":"x","$relationshipId":"r","$relationshipName":"has","$targetId":"y"}') : part('Twins', '{"$dtId":"x"}')
    const bytes = new TextEncoder().encode(text)
    return Promise.resolve(new ReadableStream<Uint8Array>({ start: (to) => { for (let at = 0; at < bytes.length; at += 7) to.enqueue(bytes.slice(at, at + 7)); to.close() } }))
  }
  return { asked, from }
}

const wanted: Wanted = { what: 'all', query: 'SELECT * FROM DIGITALTWINS', selection: ['x', 'y'], models: true, system: false, format: 'ndjson' }
async function text(more: Partial<Wanted>, from = server().from): Promise<string> { return new Response(await exported({ ...wanted, ...more }, from, () => Promise.resolve(new Set(['dtmi:b;1'])))).text() }

describe('an export', () => {
  it('of all is passed on as it comes', async () => { expect(await text({})).toBe(WHOLE) })
  it('leaves out the models', async () => { expect(await text({ models: false })).toBe(WHOLE.replace('{"Section":"Models"}\n{"@id":"dtmi:a;1"}\n{"@id":"dtmi:b;1"}\n', '')) })
  it('of a query takes the models along', async () => {
    expect((await text({ what: 'query' })).split('\n').slice(2)).toEqual(['{"Section":"Models"}', '{"@id":"dtmi:a;1"}', '{"@id":"dtmi:b;1"}', '{"Section":"Twins"}', '{"$dtId":"x"}', ''])
    expect(await text({ what: 'query', models: false })).toBe(part('Twins', '{"$dtId":"x"}'))
  })
  it('of a selection has what runs between, and the models that it needs', async () => {
    const { asked, from } = server()
    expect((await text({ what: 'selection', selection: ["x'"] }, from)).split('\n').slice(2, 7)).toEqual(['{"Section":"Models"}', '{"@id":"dtmi:b;1"}', '{"Section":"Twins"}', '{"$dtId":"x"}', '{"Section":"Relationships"}'])
    expect(asked.at(-1)).toBe("SELECT * FROM RELATIONSHIPS R WHERE R.$sourceId IN ['x\\''] AND R.$targetId IN ['x\\'']")
  })
  it('says what is wrong before anything is written', async () => {
    await expect(exported({ ...wanted, what: 'query', query: 'wrong' }, server().from, () => Promise.resolve(new Set()))).rejects.toThrow('SqlQueryError')
  })
  it('in the form of ADT Explorer is JSON whatever there is', async () => {
    const all = await text({ format: 'explorer' })
    expect(JSON.parse(all)).toEqual({
      digitalTwinsFileInfo: { fileVersion: '1.0.0' }, digitalTwinsModels: [{ '@id': 'dtmi:a;1' }, { '@id': 'dtmi:b;1' }],
      digitalTwinsGraph: { digitalTwins: [{ $dtId: 'x', n: 9223372036854775807 }, { $dtId: 'y' }], relationships: [{ $sourceId: 'x', $relationshipId: 'r', $relationshipName: 'has', $targetId: 'y', n: 1 }] },
    })
    expect(all).toContain('9223372036854775807')
    const sections = async (...names: readonly string[]): Promise<unknown> => {
      async function* lines(): AsyncGenerator<Line> { for (const section of names) yield { section, text: '{}' } }
      const read = JSON.parse(await new Response(streamOf(asExplorer(lines()))).text()) as Record<string, Record<string, unknown>>
      return [Object.keys(read).sort(), Object.keys(read['digitalTwinsGraph'] ?? {})]
    }
    const names = ['digitalTwinsFileInfo', 'digitalTwinsGraph', 'digitalTwinsModels']
    for (const [given, graph] of [[[], ['digitalTwins', 'relationships']], [['Models'], ['digitalTwins', 'relationships']], [['Twins'], ['digitalTwins']], [['Relationships'], ['relationships']], [['Models', 'Twins', 'Relationships', 'Kastor.Other'], ['digitalTwins', 'relationships']]] as const) {
      expect(await sections(...given)).toEqual([names, graph])
    }
  })
})

it('models come with what they are made of', () => {
  const model = (id: string, bases: readonly string[], component?: string): ResolvedModel => ({ id, displayName: {}, description: {}, dtdlVersion: 3, decommissioned: false, uploadTime: '', extends: bases, bases, contents: component === undefined ? [] : [{ name: 'c', kind: 'component', definedBy: id, displayName: {}, description: {}, semanticTypes: [], model: component }] })
  const all = new Models(1, [model('a', ['base']), model('base', [], 'part'), model('part', ['root']), model('root', []), model('other', [])])
  expect([...closureOf(all, ['a'])].sort()).toEqual(['a', 'base', 'part', 'root'])
})
