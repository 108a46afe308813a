import { describe, expect, it } from 'vitest'
import type { Models } from '@/dtdl/models'
import { Models as AllModels } from '@/dtdl/models'
import type { ResolvedContent, ResolvedModel } from '@/dtdl/model'
import { contentsOf } from '@/features/io/contents'
import { importText, kindOf, readExplorerJson } from '@/features/io/graph'
import { reportsOf } from '@/features/io/jobs'
import { asExplorer, streamOf, type Line } from '@/features/io/exporting'
import { delimiterOf, readCsv } from '@/features/io/read'
import { byConvention, CellError, isExplorerSheet, readExplorerSheet, readTable, type Table, valueOf } from '@/features/io/tables'
import { writeJson } from '@/api/json'

const content = (name: string, more: Partial<ResolvedContent>): ResolvedContent => ({ name, kind: 'property', definedBy: 'm', displayName: {}, description: {}, semanticTypes: [], ...more })
const model = (id: string, contents: readonly ResolvedContent[]): ResolvedModel => ({ id, displayName: {}, description: {}, dtdlVersion: 3, decommissioned: false, uploadTime: '', extends: [], bases: [], contents })
const models: Models = new AllModels(1, [
  model('dtmi:Room;1', [content('area', { schema: { kind: 'double' } }), content('serial', { schema: { kind: 'long' } }), content('name', { schema: { kind: 'string' } }), content('thermostat', { kind: 'component', model: 'dtmi:T;1' })]),
  model('dtmi:T;1', [content('setPoint', { schema: { kind: 'double' } })]),
])
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)
const table = (titles: readonly string[], rows: Table['rows'], name = 'S'): Table => ({ name, titles, rows, first: 2 })

describe('files are told apart by what is in them', () => {
  it.each([
    ['x.txt', '\uFEFF{"Section": "Header"}\n', 'ndjson'], ['x.json', '{ "digitalTwinsGraph": {} }', 'explorer'], ['x.json', '[{"@id":"dtmi:a;1"}]', 'models'],
    ['x', 'a,b\n1,2', 'csv'], ['x.csv', 'a\n1', 'csv'], ['x.bin', '\u0001\u0002', 'unknown'],
  ])('%s %s', (name, text, kind) => { expect(kindOf(name, bytes(text))).toBe(kind) })
  it('packed ones too', () => {
    expect(kindOf('a.xlsx', new Uint8Array([0x50, 0x4b, 3, 4]))).toBe('excel')
    expect(kindOf('a.gz', new Uint8Array([0x1f, 0x8b]))).toBe('ndjson')
  })
})

describe('the JSON of ADT Explorer', () => {
  it('is read without sections and in other case', () => {
    const graph = readExplorerJson('{"DigitalTwinsGraph": {"DigitalTwins": [{"$DTID":"a"}, 5]}}', models)
    expect(graph.twins.map((row) => row.body)).toEqual([{ $dtId: 'a' }])
    expect(graph.relationships).toEqual([])
    expect(graph.faults.map((fault) => fault.from)).toEqual(['/digitalTwinsGraph/digitalTwins/1'])
  })
  it('gets the components that it came without, those of its own models too', () => {
    const own = { '@id': 'dtmi:Own;1', '@type': 'Interface', extends: 'dtmi:Room;1', contents: [{ '@type': ['Component', 'X'], name: 'plate', schema: 'dtmi:T;1' }] }
    const twins = [{ $dtId: 'a', $metadata: { $model: 'dtmi:Own;1' }, thermostat: { setPoint: 20 } }]
    const graph = readExplorerJson(writeJson({ digitalTwinsModels: [{ model: own }], digitalTwinsGraph: { digitalTwins: twins } }), models)
    expect(graph.twins[0]?.body).toEqual({ $dtId: 'a', $metadata: { $model: 'dtmi:Own;1' }, thermostat: { $metadata: {}, setPoint: 20 }, plate: { $metadata: {} } })
  })
  it('may be one model', () => {
    expect(readExplorerJson('{"@id":"dtmi:a;1","@type":"Interface"}', models).models.map((row) => row.body['@id'])).toEqual(['dtmi:a;1'])
  })
  it('comes back as it was exported', async () => {
    async function* lines(): AsyncGenerator<Line> {
      yield* [{ section: 'Twins', text: '{"$dtId":"a"}' }, { section: 'Relationships', text: '{"$dtId":"a","$relationshipId":"r","$relationshipName":"n","$targetId":"b"}' }]
    }
    const graph = readExplorerJson(await new Response(streamOf(asExplorer(lines()))).text(), models)
    expect(graph.relationships[0]?.body).toEqual({ $sourceId: 'a', $relationshipId: 'r', $relationshipName: 'n', $targetId: 'b' })
    const written = importText(graph)
    expect(contentsOf(graph).counts).toEqual({ models: 0, twins: 1, relationships: 1 })
    expect(contentsOf(graph).keys).toEqual(new Map([[4, 'a'], [6, 'a/r']]))
    expect(written.text.split('\n')[5]).toContain('"$relationshipId":"r"')
    expect(written.origins.get(4)).toBe('/digitalTwinsGraph/digitalTwins/0')
  })
})

describe('tables', () => {
  it('make twins by convention, with components and numbers that no double holds', () => {
    const titles = ['$dtId', 'model', 'area', 'serial', 'thermostat.setPoint', '#note']
    const graph = readTable(table(titles, [['r1', 'dtmi:Room;1', '12.5', '9223372036854775807', '21', 'x'], [null, '', null, '', null, '']]), { roles: byConvention(titles), model: undefined }, models)
    expect(graph.twins.map((row) => writeJson(row.body))).toEqual(['{"$dtId":"r1","$metadata":{"$model":"dtmi:Room;1"},"thermostat":{"$metadata":{},"setPoint":21},"area":12.5,"serial":9223372036854775807}'])
  })
  it('name the row and the column of what is wrong, and read the rest', () => {
    const graph = readTable(table(['id', 'area'], [['a', 'wide'], ['', '1'], ['b', '2']]), { roles: byConvention(['id', 'area']), model: 'dtmi:Room;1' }, models)
    expect(graph.faults.map((fault) => `${fault.from}: ${fault.text}`)).toEqual(['S 2: area: “wide” is no number', 'S 3: the row has no id'])
    expect(graph.twins).toHaveLength(1)
  })
  it('make relationships', () => {
    const titles = ['$sourceId', '$relationshipName', '$targetId', 'since']
    expect(readTable(table(titles, [['a', 'has', 'b', '2020']]), { roles: byConvention(titles), model: undefined }, models).relationships[0]?.body).toEqual({ $sourceId: 'a', $relationshipName: 'has', $targetId: 'b', $relationshipId: 'a-has-b', since: 2020 })
  })
  it('type properties of relationships as their models do', () => {
    const titles = ['$sourceId', '$relationshipName', '$targetId', 'door']
    const known = new AllModels(1, [model('dtmi:Room;1', [content('has', { kind: 'relationship', properties: [content('door', { schema: { kind: 'string' } })] })])])
    const rows = [['a', 'has', 'b', '2020'], ['a', 'other', 'b', '2020']]
    expect(readTable(table(titles, rows), { roles: byConvention(titles), model: undefined }, known).relationships.map((row) => row.body['door'])).toEqual(['2020', 2020])
  })
  it('of ADT Explorer keep their components', () => {
    const titles = ['ModelID', 'ID (must be unique)', 'Relationship (From)', 'Relationship Name', 'Init Data']
    expect(isExplorerSheet(titles)).toBe(true)
    const graph = readExplorerSheet(table(titles, [['dtmi:Room;1', 'r1', null, null, '{"thermostat":{"setPoint":20}}'], ['dtmi:Room;1', 'r2', 'r1', 'adjacentTo', null], ['dtmi:Room;1', 'r3', null, null, '{']]), models)
    expect(graph.twins[0]?.body).toEqual({ $dtId: 'r1', $metadata: { $model: 'dtmi:Room;1' }, thermostat: { $metadata: {}, setPoint: 20 } })
    expect(graph.relationships[0]?.body['$targetId']).toBe('r2')
    expect(graph.faults.map((fault) => fault.from)).toEqual(['S 4'])
  })
  it('values have the types of their schemas', () => {
    expect(valueOf('yes', { kind: 'boolean' })).toBe(true)
    expect(() => valueOf('maybe', { kind: 'boolean' })).toThrow(CellError)
    expect(valueOf('007', { kind: 'string' })).toBe('007')
    expect([valueOf('2020-01-02T00:00:00.000Z', { kind: 'date' }), valueOf('2020-01-02T00:00:00.000Z', { kind: 'dateTime' })]).toEqual(['2020-01-02', '2020-01-02T00:00:00.000Z'])
    expect(valueOf('Open', { kind: 'enum', valueSchema: 'integer', values: [{ name: 'Open', value: 3, displayName: {}, description: {} }] })).toBe(3)
    expect(valueOf('[1]', { kind: 'array', element: { kind: 'integer' } })).toEqual([1])
  })
})

it('the report has what is said of single lines, in particular', () => {
  const log = [
    { logType: 'Info', details: { status: 'Started' } },
    { logType: 'Error', details: { section: 'Twins', line: 9, id: 'd', error: { code: 'V', message: 'Invalid', details: [{ message: 'a is no number.' }, { message: 'b is unknown.' }] } } },
    { logType: 'Warning', details: { section: 'Kastor.X', status: 'Skipped', line: 12, warning: { code: 'S', message: 'Skipped.' } } },
    { logType: 'Error', details: { status: 'Failed', error: { code: 'P', message: 'Of the whole.' } } },
  ]
  expect(reportsOf(log.map((each) => `${JSON.stringify(each)}\n`).join(''))).toEqual([
    { kind: 'Error', line: 9, id: 'd', text: 'a is no number. b is unknown.' }, { kind: 'Warning', line: 12, id: '', text: 'Skipped.' },
  ])
})

it.each([['number;title\ncsv-1;C1\n', ';'], ['a,b', ','], ['\n"x;y;z",b\n', ','], ['a\tb;c\td', '\t'], ['one', ',']])('the titles %j are parted by %j', (text, delimiter) => {
  expect(delimiterOf(text)).toBe(delimiter)
})

it.each([['number;title\ncsv-1;C1\n', ['number', 'title']], ['a;b\n1,5;2,5\n3,5;4,5\n', ['a', 'b']], ['# one, two, three\nname;area\nx;1,5\n', ['name', 'area']], ['sep=|\na|b;c\n', ['a', 'b;c']]])('the columns of %j are those of the titles', async (text, titles) => {
  expect((await readCsv('x.csv', text)).titles).toEqual(titles)
})
