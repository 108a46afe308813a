import { File } from 'node:buffer'
import { describe, expect, it } from 'vitest'
import type { ResolvedContent, ResolvedModel, ResolvedSchema } from '@/dtdl/model'
import { Models } from '@/dtdl/models'
import { NotText, textOf } from '@/features/io/bytes'
import type { Graph } from '@/features/io/graph'
import { afterModel, mappingOf, rolesOf } from '@/features/io/mapping'
import { NotTogether, readSource, readSources } from '@/features/io/read'
import { slotsOf } from '@/features/io/slots'
import { readTable } from '@/features/io/tables'
import { hasRelationships, templateOf } from '@/features/io/template'

const content = (name: string, schema: ResolvedSchema | undefined, more: Partial<ResolvedContent> = {}): ResolvedContent => ({ name, kind: 'property', definedBy: 'm', displayName: {}, description: {}, semanticTypes: [], ...(schema && { schema }), ...more })
const field = (name: string, schema: ResolvedSchema): { name: string; displayName: Record<string, string>; description: Record<string, string>; schema: ResolvedSchema } => ({ name, displayName: {}, description: {}, schema })
const model = (id: string, contents: readonly ResolvedContent[]): ResolvedModel => ({ id, displayName: {}, description: {}, dtdlVersion: 3, decommissioned: false, uploadTime: '', extends: [], bases: [], contents })
const ROOM = 'dtmi:t:Room;1'
const models = new Models(1, [
  model(ROOM, [
    content('area', { kind: 'double' }, { displayName: { en: 'Floor area' }, description: { en: 'Wall to wall, net' }, unit: { name: 'squareMetre', symbol: 'm²' } }),
    content('state', { kind: 'enum', valueSchema: 'integer', values: [{ name: 'Open', value: 1, displayName: {}, description: {} }, { name: 'Shut', value: 2, displayName: {}, description: {} }] }),
    content('address', { kind: 'object', fields: [field('street', { kind: 'string' }), field('number', { kind: 'integer' })] }),
    content('tags', { kind: 'map', key: { name: 'k' }, value: { name: 'v', schema: { kind: 'string' } } }),
    content('list', { kind: 'array', element: { kind: 'integer' } }),
    content('heard', undefined, { kind: 'telemetry' }),
    content('thermostat', undefined, { kind: 'component', model: 'dtmi:t:T;1' }),
    content('holds', undefined, { kind: 'relationship', properties: [content('since', { kind: 'date' })] }),
  ]),
  model('dtmi:t:T;1', [content('setPoint', { kind: 'double' })]),
])

/** Read a file as the page does, with what it takes columns for by itself. */
async function imported(name: string, text: string | Uint8Array): Promise<Graph> {
  const source = await readSource(new File([text], name) as unknown as globalThis.File, models)
  if (source.kind !== 'tables') throw new Error(source.kind)
  const [table] = source.tables
  if (!table) throw new Error('no table')
  return readTable(table, mappingOf(table, models), models)
}

describe('a template', () => {
  it('has a column for each value, and says above it what belongs there', () => {
    const lines = templateOf(models, ROOM, 'twins').text.replace('\uFEFF', '').split('\r\n')
    expect(lines.at(-2)).toBe('$dtId,area,state,address.street,address.number,tags,list,thermostat.setPoint')
    expect(lines).toContain('"# area: double (m²). Floor area. Wall to wall, net"')
    expect(lines).toContain('# state: Open | Shut')
    expect(lines.find((line) => line.includes('tags'))).toContain('tags.KEY')
  })
  it('that was filled in is read without a mapping', async () => {
    const { name, text } = templateOf(models, ROOM, 'twins')
    const filled = `${text.trimEnd()},tags.size\r\nr1,12.5,Shut,Main St,7,"{""colour"":""red""}",[1],21,big\r\nr2,,,,,,,,\r\n`
    const graph = await imported(name, filled)
    expect(graph.faults).toEqual([])
    expect(graph.twins.map((row) => row.body)).toEqual([
      { $dtId: 'r1', $metadata: { $model: ROOM }, area: 12.5, state: 2, address: { street: 'Main St', number: 7 }, tags: { colour: 'red', size: 'big' }, list: [1], thermostat: { $metadata: {}, setPoint: 21 } },
      { $dtId: 'r2', $metadata: { $model: ROOM }, thermostat: { $metadata: {} } },
    ])
  })
  it('comes back from a spreadsheet that separates by semicolons', async () => {
    const graph = await imported('r.csv', `\uFEFF"# model: ${ROOM}";;\r\n# state: Open | Shut, or 1;;\r\n$dtId;area;state\r\nr1;2;Open\r\n`)
    expect(graph.twins.map((row) => [row.from, row.body['area'], row.body['state']])).toEqual([['r.csv 4', 2, 1]])
  })
  it('of relationships types their properties', async () => {
    expect([hasRelationships(models, ROOM), hasRelationships(models, 'dtmi:t:T;1')]).toEqual([true, false])
    const { name, text } = templateOf(models, ROOM, 'relationships')
    const graph = await imported(name, `${text}a,holds,b,,2020-01-01\r\n`)
    expect(graph.relationships[0]?.body).toEqual({ $sourceId: 'a', $relationshipName: 'holds', $targetId: 'b', $relationshipId: 'a-holds-b', since: '2020-01-01' })
  })
  it('of an import needs its id alone', () => {
    const { text } = templateOf(models, ROOM, 'ndjson')
    const lines = text.trimEnd().split('\n').map((line) => JSON.parse(line) as unknown)
    expect(lines.at(-1)).toEqual({ $dtId: '', $metadata: { $model: ROOM }, thermostat: { $metadata: {}, setPoint: 0 }, area: 0, state: 1, address: { street: '', number: 0 }, tags: {}, list: [] })
  })
})

describe('columns', () => {
  const rooms = { name: 'x', titles: ['id', 'AREA', 'floor Area', 'colour'], rows: [], first: 2 }
  it('are matched in any case, and follow the model unless somebody chose', () => {
    const before = mappingOf(rooms, models)
    expect(before.roles).toEqual(['id', '/area', '/area', '/colour'])
    const chosen = { ...before, roles: ['id', 'skip', '/area', '/colour'] as const }
    expect(afterModel(rooms, chosen, 'dtmi:t:T;1', models)).toEqual({ model: 'dtmi:t:T;1', roles: ['id', 'skip', '/floor Area', '/colour'] })
  })
  it('may fill one key of a map', () => {
    expect(slotsOf(models, ROOM).flatMap((slot) => rolesOf(slot, 'colour')).filter((role) => role.includes('tags'))).toEqual(['/tags', '/tags/colour'])
  })
})

describe('texts', () => {
  it('are read by their byte order mark', async () => {
    const wide = new Uint8Array([0xff, 0xfe, ...[...'id,area\r\nä,1'].flatMap((letter) => [letter.charCodeAt(0) & 255, letter.charCodeAt(0) >> 8])])
    expect(textOf(wide)).toBe('id,area\r\nä,1')
    const source = await readSource(new File([wide], 'x.csv') as unknown as globalThis.File, models)
    expect(source.kind === 'tables' && source.tables[0]?.rows[0]).toEqual(['ä', '1'])
  })
  it('of another encoding are refused, not garbled', () => { expect(() => textOf(new Uint8Array([0x61, 0xe4]))).toThrow(NotText) })
  it('that were guarded from spreadsheets are what they were; rows count as spreadsheets do', async () => {
    const graph = await imported('x.csv', "sep=;\r\nid;model;note\r\na;dtmi:t:T;1\r\n".replace('dtmi:t:T;1', '"dtmi:t:T;1";\'=1+1'))
    expect(graph.twins.map((row) => [row.from, row.body['note']])).toEqual([['x.csv 3', '=1+1']])
  })
})

describe('several files', () => {
  const file = (name: string, text: string): globalThis.File => new File([text], name) as unknown as globalThis.File
  it('of tables and JSON are one import, and each row says from which it is', async () => {
    const source = await readSources([file('a.csv', 'id,model\nx,m\n'), file('b.json', '{"digitalTwinsGraph":{"digitalTwins":[{"$dtId":"y"}]}}')], models)
    expect(source?.kind === 'tables' && [source.name, source.tables.map((table) => table.name), source.graph?.twins.map((row) => row.from)]).toEqual(['a.csv, b.json', ['a.csv'], ['b.json /digitalTwinsGraph/digitalTwins/0']])
  })
  it('do not go with the file of an import', async () => {
    await expect(readSources([file('a.csv', 'id\nx\n'), file('b.ndjson', '{"Section":"Header"}\n')], models)).rejects.toThrow(NotTogether)
  })
})
