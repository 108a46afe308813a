import { describe, expect, it } from 'vitest'
import type { Twin } from '@/api/types'
import { changeDraft } from '@/parts/changing'
import { sameDocument } from '@/parts/unchanged'
import { conflicts, draftPatch, touched, withEdits } from '@/parts/values/draft'
import { patchOf } from '@/parts/values/patch'

const twin: Twin = { $dtId: 'a', $etag: 'W/"1"', $metadata: { $model: 'dtmi:old;1', $lastUpdateTime: '1' }, name: 'Hazel', old: 3, part: { $metadata: { $lastUpdateTime: '1' }, x: 1 } }
const draft = changeDraft(twin, { model: 'dtmi:new;1', stays: ['name'], lost: ['old', 'part'], missing: [], made: { fresh: { $metadata: {} } } })

describe('another model', () => {
  it('is a patch of the model, of what is lost and of what is made', () => {
    expect(draftPatch(draft).map(({ op, path }) => `${op} ${path}`).sort()).toEqual(['add /$metadata/$model', 'add /fresh', 'remove /old', 'remove /part'])
  })

  it('is taken back without the values that stay', () => {
    const undo = patchOf(withEdits(twin, draft), twin, touched(draft))
    expect(undo.map(({ op, path }) => `${op} ${path}`).sort()).toEqual(['add /$metadata/$model', 'add /old', 'add /part', 'remove /fresh'])
  })

  it('is done again whatever times the server has written since, but not over values of others', () => {
    const again: Twin = { ...twin, $etag: 'W/"3"', name: 'Beech', part: { $metadata: { $lastUpdateTime: '3' }, x: 1 } }
    expect(conflicts(draft, again)).toEqual([])
    expect(conflicts(draft, { ...again, part: { $metadata: {}, x: 2 } })).toEqual([['part']])
  })
})

describe('a document', () => {
  it('is the same with the same values, model and target, written whenever', () => {
    expect(sameDocument(twin, { ...twin, $etag: 'W/"7"', $metadata: { $model: 'dtmi:old;1', $lastUpdateTime: '7', name: { lastUpdateTime: '7' } } })).toBe(true)
    expect(sameDocument(twin, { ...twin, old: 4 })).toBe(false)
    expect(sameDocument(twin, { ...twin, $metadata: { $model: 'dtmi:new;1' } })).toBe(false)
    expect(sameDocument({ $targetId: 'a', $relationshipName: 'r' }, { $targetId: 'b', $relationshipName: 'r' })).toBe(false)
    expect(sameDocument({ $targetId: 'a', $relationshipName: 'r' }, { $targetId: 'a', $relationshipName: 'r', $sourceId: 's', $etag: 'x' })).toBe(true)
  })
})
