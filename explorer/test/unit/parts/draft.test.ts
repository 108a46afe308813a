import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ExactNumber, type Json, sameJson } from '@/api/json'
import { acknowledged, beginDraft, changeCount, conflicts, type Draft, draftPatch, edited, leftOver, readDraftText, rebased, redone, reverted, touched, undone, unreadable, withEdits, writeDraft } from '@/parts/values/draft'

const base = { $etag: 'W/"1"', name: 'Hazel', thermostat: { setPoint: 21, mode: 'eco' }, tags: { a: 'x' } }
const edit = (draft: Draft, path: string, value?: Json, now = 0): Draft => edited(draft, [{ path, ...(value !== undefined && { value }) }], now)

describe('a draft', () => {
  it('undoes and redoes steps; letters of one word are one step', () => {
    let draft = edit(beginDraft(base), '/name', 'Ha', 0)
    draft = edit(draft, '/name', 'Haz', 100)
    draft = edit(draft, '/thermostat/setPoint', 18.5, 5000)
    expect(draftPatch(draft)).toEqual([{ op: 'add', path: '/name', value: 'Haz' }, { op: 'add', path: '/thermostat/setPoint', value: 18.5 }])
    draft = undone(draft)
    expect(touched(draft)).toEqual([['name']])
    draft = undone(draft)
    expect(draftPatch(draft)).toEqual([])
    draft = redone(redone(draft))
    expect(changeCount(draft)).toBe(2)
  })

  it('takes one field back, and that is undone too', () => {
    const draft = reverted(edit(edit(beginDraft(base), '/name', 'x'), '/tags/b', 'y', 9000), ['tags'])
    expect(draftPatch(draft)).toEqual([{ op: 'add', path: '/name', value: 'x' }])
    expect(changeCount(undone(draft))).toBe(2)
  })

  it('does not count what is again as it was', () => {
    expect(changeCount(edit(edit(beginDraft(base), '/name', 'x'), '/name', 'Hazel', 9000))).toBe(0)
  })

  it('keeps what cannot be read yet, and saves nothing of it', () => {
    const draft = edited(beginDraft(base), [{ path: '/thermostat/setPoint', text: '18,' }], 0)
    expect(unreadable(draft).get('/thermostat/setPoint')).toBe('18,')
    expect(draftPatch(draft)).toEqual([])
    expect(unreadable(edit(draft, '/thermostat/setPoint', 18, 100)).size).toBe(0)
  })

  it('lets other fields flow in and names those that somebody else changed', () => {
    const draft = edit(edit(beginDraft(base), '/thermostat/setPoint', 18.5), '/tags/b', 'y', 9000)
    const theirs = { ...base, $etag: 'W/"2"', name: 'Other', thermostat: { setPoint: 19, mode: 'eco' } }
    expect(conflicts(draft, theirs)).toEqual([['thermostat', 'setPoint']])
    expect(withEdits(theirs, draft)).toMatchObject({ name: 'Other', thermostat: { setPoint: 18.5 }, tags: { a: 'x', b: 'y' } })
    expect(conflicts(acknowledged(draft, ['thermostat', 'setPoint'], theirs), theirs)).toEqual([])
    const after = rebased(draft, theirs)
    expect(after.etag).toBe('W/"2"')
    expect(draftPatch(after)).toEqual([{ op: 'add', path: '/thermostat/setPoint', value: 18.5 }, { op: 'add', path: '/tags/b', value: 'y' }])
  })

  it('outlives a reload to the digit', () => {
    const draft = edit(edit(beginDraft({ ...base, long: new ExactNumber('9223372036854775806') }), '/long', new ExactNumber('9223372036854775807')), '/tags/a', undefined, 9000)
    const again = readDraftText(writeDraft(draft))
    expect(again).toBeDefined()
    if (again) expect(draftPatch(again).map((each) => ({ ...each, value: 'value' in each ? String(each.value) : undefined }))).toEqual([{ op: 'add', path: '/long', value: '9223372036854775807' }, { op: 'remove', path: '/tags/a', value: undefined }])
    expect(readDraftText('{"steps": 1}')).toBeUndefined()
  })

  it('is the same after it was kept and read', () => {
    fc.assert(fc.property(fc.array(fc.tuple(fc.constantFrom('/name', '/tags/a', '/tags'), fc.option(fc.string(), { nil: undefined })), { maxLength: 40 }), (all) => {
      let draft = beginDraft(base)
      all.forEach(([path, value], index) => { draft = edit(draft, path, value, index * 9000) })
      const again = readDraftText(writeDraft(draft))
      expect(again !== undefined && sameJson(withEdits(base, again), withEdits(base, draft))).toBe(true)
    }))
  })
})

describe('what is done while a draft is saved', () => {
  const saved = edit(beginDraft(base), '/name', 'Beech')
  const document = { ...base, $etag: 'W/"2"', name: 'Beech' }

  it('is nothing where nothing was done', () => { expect(leftOver(saved, saved, document)).toBeUndefined() })

  it('stays, on the version that was made', () => {
    const left = leftOver(edit(saved, '/thermostat/setPoint', 18, 9000), saved, document)
    expect(left).toMatchObject({ etag: 'W/"2"', base: document, done: 1 })
    expect(left && draftPatch(left)).toEqual([{ op: 'add', path: '/thermostat/setPoint', value: 18 }])
  })

  it('stays where letters went on within the step that was saved', () => {
    const left = leftOver(edit(saved, '/name', 'Beech tree', 200), saved, document)
    expect(left && draftPatch(left)).toEqual([{ op: 'add', path: '/name', value: 'Beech tree' }])
  })

  it('takes a saved value back where its step was undone or reverted meanwhile', () => {
    for (const now of [undone(saved), reverted(saved, ['name'])]) {
      const left = leftOver(now, saved, document)
      expect(left && draftPatch(left)).toEqual([{ op: 'add', path: '/name', value: 'Hazel' }])
    }
  })

  it('keeps what cannot be read yet', () => {
    const left = leftOver(edited(saved, [{ path: '/thermostat/setPoint', text: '1x' }], 9000), saved, document)
    expect(left && [...unreadable(left)]).toEqual([['/thermostat/setPoint', '1x']])
  })
})
