import { describe, expect, it } from 'vitest'
import { isObject, type JsonObject, parseJson, writeJson } from '@/api/json'
import { beginJson, editsOf, readJsonText } from '@/features/inspector/jsonDraft'
import { beginDraft, conflicts, draftPatch, edited, rebased } from '@/parts/values/draft'

const opened: JsonObject = { $dtId: 'sensor', $etag: 'W/"1"', $metadata: { $model: 'dtmi:a;1', $lastUpdateTime: '2026-01-01T00:00:00Z', temperature: { lastUpdateTime: '2026-01-01T00:00:00Z' } }, name: 'Hazel', temperature: 20, map: { a: 1, b: 2 } }
const now: JsonObject = { ...opened, $etag: 'W/"2"', temperature: 25 }

function typed(change: (document: JsonObject) => JsonObject): JsonObject {
  const { text } = beginJson(opened)
  const document = parseJson(text)
  if (!isObject(document)) throw new Error('no object')
  return change(document)
}

describe('a document edited as text', () => {
  it('holds what the server keeps out of the text', () => {
    expect(typed((each) => each)).toEqual({ $metadata: { $model: 'dtmi:a;1' }, name: 'Hazel', temperature: 20, map: { a: 1, b: 2 } })
  })

  it('makes edits of what was changed in it alone, whatever came from others meanwhile', () => {
    const edits = editsOf(opened, typed((each) => ({ ...each, name: 'Beech' })))
    expect(edits).toEqual([{ path: '/name', value: 'Beech' }])
    const draft = rebased(edited(beginDraft(opened), edits, 0), now)
    expect(draftPatch(draft)).toEqual([{ op: 'add', path: '/name', value: 'Beech' }])
  })

  it('knows that somebody else has changed the same value since it was opened', () => {
    const draft = edited(beginDraft(opened), editsOf(opened, typed((each) => ({ ...each, temperature: 18 }))), 0)
    expect(conflicts(draft, now)).toEqual([['temperature']])
  })

  it('leaves the model alone where the metadata is left out, and unsets what is taken out', () => {
    expect(editsOf(opened, { name: 'Hazel', temperature: 20, map: { a: 1 } })).toEqual([{ path: '/map/b' }])
  })

  it('is read as it was kept', () => {
    const draft = { ...beginJson(opened), text: '{ "name": ' }
    expect(readJsonText(writeJson({ base: draft.base, text: draft.text }))).toEqual(draft)
    expect(readJsonText('{"text": 1}')).toBeUndefined()
    expect(readJsonText('nothing')).toBeUndefined()
  })
})
