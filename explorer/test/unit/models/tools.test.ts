import { expect, it } from 'vitest'
import type { ResolvedContent, ResolvedModel } from '@/dtdl/model'
import { Models } from '@/dtdl/models'
import { partsOf } from '@/features/models/data'
import { folderOf, listText } from '@/features/models/download'
import { candidatesOf } from '@/features/models/files'
import { queryOf } from '@/features/models/holding'
import { names } from '@/features/models/naming'
import { innerOf } from '@/features/models/schema'

const content = (name: string, more: Partial<ResolvedContent>): ResolvedContent => ({ name, kind: 'property', definedBy: 'm', displayName: {}, description: {}, semanticTypes: [], ...more })
const model = (id: string, contents: readonly ResolvedContent[] = [], bases: readonly string[] = []): ResolvedModel => ({ id, displayName: {}, description: {}, dtdlVersion: 3, decommissioned: false, uploadTime: '', extends: bases, bases, contents })

it('models are saved as a list that an upload takes, or as a folder in which none hides another', () => {
  const models = [{ '@id': 'dtmi:a:Room;1', '@type': 'Interface' }, { '@id': 'dtmi:a:room;1', '@type': 'Interface' }, { '@id': 'dtmi:a:Room;2', '@type': 'Interface' }]
  const { all, unread } = candidatesOf([{ file: 'all.json', text: listText(models) }], new Models(1, []), new Map())
  expect([all.map((each) => each.model), unread]).toEqual([models, []])
  const files = folderOf(models)
  expect(Object.keys(files)).toEqual(['dtmi/a/room-1.json', 'dtmi/a/room-1~2.json', 'dtmi/a/room-2.json'])
  expect(JSON.parse(files['dtmi/a/room-1~2.json'] ?? '')).toEqual(models[1])
})

it('a query names a model, not another version of it', () => {
  expect([names("IS_OF_MODEL('dtmi:a;1')", 'dtmi:a;1'), names("IS_OF_MODEL('dtmi:a;12')", 'dtmi:a;1'), names("'dtmi:a;1.2', 'dtmi:a;1'", 'dtmi:a;1'), names('', 'dtmi:a;1')]).toEqual([true, false, true, false])
})

it('models that are only parts of others stand apart', () => {
  const all = new Models(1, [
    model('room', [content('t', { kind: 'component', model: 'thermostat' }), content('p', { kind: 'component', model: 'plate' }), content('b', { kind: 'component', model: 'base' }), content('h', { kind: 'component', model: 'heir' })]),
    model('thermostat'), model('plate'), model('base'), model('heir', [], ['base']),
  ])
  expect([...partsOf(all, { own: new Map([['plate', 2]]), relationships: new Map() })]).toEqual(['thermostat'])
})

it('what a difference means is asked of what there is', () => {
  const asked = (what: 'added' | 'removed' | 'changed', kind: ResolvedContent['kind']): string | undefined => queryOf("d'1", { name: 'x', what, before: content('x', { kind }) })
  expect(asked('removed', 'property')).toBe("SELECT COUNT() AS n FROM DIGITALTWINS T WHERE T.$metadata.$model = 'd\\'1' AND IS_DEFINED(T.[[x]])")
  expect(asked('changed', 'relationship')).toBe("SELECT COUNT() AS n FROM DIGITALTWINS T JOIN X RELATED T.x WHERE T.$metadata.$model = 'd\\'1'")
  expect([asked('added', 'property'), asked('removed', 'telemetry')]).toEqual([undefined, undefined])
})

it('what is in objects and maps opens to its end', () => {
  const texts = { displayName: {}, description: {} }
  const inner = innerOf({ kind: 'array', element: { kind: 'object', fields: [{ name: 'a', ...texts, schema: { kind: 'map', key: { name: 'k' }, value: { name: 'v', schema: { kind: 'object', fields: [{ name: 'b', ...texts, schema: { kind: 'enum', valueSchema: 'string', values: [{ name: 'One', value: 'one', ...texts }] } }] } } } }] } })
  expect(inner.map((each) => `${each.depth}${each.name}:${each.is}`)).toEqual(['0a:map of object (1)', '1k:string', '1v:object (1)', '2b:enum (1)', '3One:one'])
})
