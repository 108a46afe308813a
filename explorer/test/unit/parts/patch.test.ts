import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ExactNumber, isObject, type Json, type JsonObject, sameJson, splitPointer } from '@/api/json'
import { applyPatch, differences, isWithin, type Path, patchOf, valueAt, withValue } from '@/parts/values/patch'

const name = fc.constantFrom('a', 'b', 'c', 'd/e', 'f~g', '__proto__')
const leaf: fc.Arbitrary<Json> = fc.oneof(fc.boolean(), fc.integer(), fc.string(), fc.constant(new ExactNumber('9223372036854775807')), fc.array(fc.integer(), { maxLength: 3 }))
const { tree } = fc.letrec<{ tree: JsonObject; value: Json }>((tie) => ({
  tree: fc.array(fc.tuple(name, tie('value')), { maxLength: 4 }).map((entries) => Object.fromEntries(entries)),
  value: fc.oneof({ depthSize: 'small' }, leaf, tie('tree')),
}))
const path = fc.array(name, { minLength: 1, maxLength: 4 })
const edits = fc.array(fc.tuple(path, fc.option(leaf, { nil: undefined })), { maxLength: 6 })

function apply(document: JsonObject, operations: ReturnType<typeof patchOf>): JsonObject { return applyPatch(document, operations, splitPointer) }

/** What the server takes: the parent of what is added is there, and what is removed is. */
function isTaken(document: JsonObject, operations: ReturnType<typeof patchOf>): boolean {
  let here = document
  for (const each of operations) {
    const parts = splitPointer(each.path)
    const parent = parts.length === 1 ? here : valueAt(here, parts.slice(0, -1))
    if (!isObject(parent) || (each.op === 'remove' && valueAt(here, parts) === undefined)) return false
    here = apply(here, [each])
  }
  return true
}

describe('the patch of an edit', () => {
  it('makes the edited document of the document', () => {
    fc.assert(fc.property(tree, edits, (base, changes) => {
      const edited = changes.reduce((document, [at, value]) => withValue(document, at, value), base)
      const operations = patchOf(base, edited, changes.map(([at]) => at))
      const after = apply(base, operations)
      for (const [at] of changes) expect(sameJson(valueAt(after, at), valueAt(edited, at))).toBe(true)
      expect(isTaken(base, operations)).toBe(true)
    }))
  })

  it('touches nothing but what was touched', () => {
    fc.assert(fc.property(tree, edits, tree, (base, changes, others) => {
      const touched = changes.map(([at]) => at)
      const edited = changes.reduce((document, [at, value]) => withValue(document, at, value), base)
      const after = apply(base, patchOf(base, { ...edited, ...others }, touched))
      const untouched = differences(base, after).filter((at) => !touched.some((each) => isWithin(at, each) || isWithin(each, at)))
      expect(untouched).toEqual([])
    }))
  })

  it('is empty where nothing differs', () => {
    fc.assert(fc.property(tree, fc.array(path), (base, touched) => { expect(patchOf(base, base, touched)).toEqual([]) }))
  })

  it('of every difference turns one document into the other', () => {
    fc.assert(fc.property(tree, tree, (before, after) => {
      const operations = patchOf(before, after, differences(before, after))
      expect(sameJson(apply(before, operations), after)).toBe(true)
    }))
  })

  it('of a name leaves the map and the array beside it alone', () => {
    const base = { name: 'Hazel', map: { a: 1 }, list: [1, 2] }
    expect(patchOf(base, { ...base, name: 'Hazel 2' }, [['name']])).toEqual([{ op: 'add', path: '/name', value: 'Hazel 2' }])
  })

  it('replaces arrays whole and makes what lies around a value', () => {
    const edited = { list: [{ a: 2 }], object: { street: 'Quay' } }
    expect(patchOf({ list: [{ a: 1 }] }, edited, [['list', '0', 'a'], ['object', 'street']])).toEqual([
      { op: 'add', path: '/list', value: [{ a: 2 }] }, { op: 'add', path: '/object', value: { street: 'Quay' } },
    ])
  })
})

export type { Path }
