import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { ResolvedContent, ResolvedModel } from '@/dtdl/model'
import { Models } from '@/dtdl/models'
import { allowed, components, waysInto } from '@/parts/create-twin/fitting'
import { isId, suggestId } from '@/parts/create-twin/ids'
import { countRows, filtered, groupsOf, unknownMembers, writtenAt } from '@/parts/values/rows'

const content = (name: string, kind: ResolvedContent['kind'], definedBy: string, more: Partial<ResolvedContent> = {}): ResolvedContent => ({ name, kind, definedBy, displayName: {}, description: {}, semanticTypes: [], ...more })
const model = (id: string, bases: readonly string[], contents: readonly ResolvedContent[]): ResolvedModel => ({ id, displayName: {}, description: {}, dtdlVersion: 3, decommissioned: false, uploadTime: '', extends: bases.slice(0, 1), bases, contents })

const name = content('name', 'property', 'dtmi:Entity;1', { schema: { kind: 'string' } })
const models = new Models(1, [
  model('dtmi:Entity;1', [], [name]),
  model('dtmi:Gauge;1', [], [content('level', 'property', 'dtmi:Gauge;1', { schema: { kind: 'double' } })]),
  model('dtmi:Room;1', ['dtmi:Entity;1'], [
    content('tags', 'property', 'dtmi:Room;1', { schema: { kind: 'array', element: { kind: 'string' } } }), content('area', 'property', 'dtmi:Room;1', { schema: { kind: 'double' } }),
    content('gauge', 'component', 'dtmi:Room;1', { model: 'dtmi:Gauge;1' }), content('feeds', 'relationship', 'dtmi:Room;1'), content('hasPart', 'relationship', 'dtmi:Room;1', { target: 'dtmi:Room;1' }), name,
  ]),
  model('dtmi:Lamp;1', ['dtmi:Entity;1'], [content('isLocatedIn', 'relationship', 'dtmi:Lamp;1', { target: 'dtmi:Entity;1' }), name]),
])

describe('rows of a model', () => {
  it('are its own, small ones first, then by ancestor, then of components', () => {
    const groups = groupsOf(models, 'dtmi:Room;1')
    expect(groups.map((group) => [group.kind, group.rows.map((row) => row.path.join('.'))])).toEqual([['own', ['area', 'tags']], ['from', ['name']], ['component', ['gauge.level']]])
    expect(countRows(groups)).toBe(4)
    expect(countRows(filtered(groups, 'gauge.'))).toBe(1)
    expect(unknownMembers(models, 'dtmi:Room;1', { $dtId: 'r', area: 1, other: 2 })).toEqual(['other'])
  })

  it('tell when they were written, in components too', () => {
    const document = { area: 1, $metadata: { area: { lastUpdateTime: 'a' } }, gauge: { level: 2, $metadata: { level: { lastUpdateTime: 'b' } } } }
    expect([writtenAt(document, ['area']), writtenAt(document, ['gauge', 'level']), writtenAt(document, ['tags'])]).toEqual(['a', 'b', undefined])
  })
})

describe('what fits', () => {
  it('is allowed by the models, the likeliest way inside first', () => {
    expect(allowed(models, 'dtmi:Room;1', 'dtmi:Lamp;1').map((each) => each.name)).toEqual(['feeds'])
    expect(waysInto(models, 'dtmi:Lamp;1', 'dtmi:Room;1')).toEqual([{ name: 'isLocatedIn', down: false }, { name: 'feeds', down: true }])
    expect(waysInto(models, 'dtmi:Room;1', 'dtmi:Room;1')[0]).toEqual({ name: 'hasPart', down: true })
    expect(components(models, 'dtmi:Room;1')).toEqual({ gauge: { $metadata: {} } })
  })
})

describe('an id', () => {
  it('is suggested in the manner of the siblings', () => {
    expect(suggestId(['room-2-01', 'room-2-14', 'room-2-09'], 'Room')).toBe('room-2-15')
    expect(suggestId(['a9', 'a10'], 'Room')).toBe('a11')
    expect(suggestId(['r099'], 'Room')).toBe('r100')
    expect(suggestId(['Hazel'], 'MeetingRoom')).toBe('meeting-room-1')
  })

  it('that is suggested is new, and one', () => {
    fc.assert(fc.property(fc.uniqueArray(fc.stringMatching(/^[a-z]{1,3}-?\d{0,4}$/), { maxLength: 12 }), (ids) => {
      const id = suggestId(ids, 'Room')
      expect(ids.includes(id)).toBe(false)
      expect(isId(id)).toBe(true)
    }))
    expect(['', ' a', 'a/b', 'a#', 'x'.repeat(129), 'ä b'].map(isId)).toEqual([false, false, false, false, false, true])
  })
})
