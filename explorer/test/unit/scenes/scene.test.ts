import { describe, expect, it } from 'vitest'
import { boxOf, elementsOf, readDrawing, NotADrawing, widestPlace } from '@/features/scenes/drawing'
import { editRows, narrowed } from '@/features/scenes/elements'
import { fitted, zoomed } from '@/features/scenes/camera'
import { bindAll, firstEffect, EFFECTS, nameOf, newId, readScene, type Scene } from '@/features/scenes/scene'
import { bucketFor, instantOf } from '@/features/scenes/time'
import { readDraftText, stepsSince, writeDraftText } from '@/features/scenes/useDraft'

const scene: Scene = { version: 1, title: 'Floor', file: 'f.svg', bindings: [{ element: 'a', twin: 'A' }, { element: 'gone', twin: 'G' }], behaviours: [] }
const svg = (inner: string, head = 'viewBox="0 0 20 10"'): string => `<svg xmlns="http://www.w3.org/2000/svg" ${head}>${inner}</svg>`

describe('a drawing', () => {
  it('has the elements with an id that can be seen, ids being anybody\'s text', () => {
    const root = new DOMParser().parseFromString(svg('<defs><path id="hidden"/></defs><g id="rooms"><title>Rooms</title><path id="__proto__"/><rect id="b" data-name="Bee"/></g><g pointer-events="none"><path id="c"/></g><path id="b"/>'), 'image/svg+xml').documentElement
    expect([...elementsOf(root).values()].map(({ id, name, depth, isThrough }) => [id, name, depth, isThrough])).toEqual([['rooms', 'Rooms', 0, false], ['__proto__', '', 1, false], ['b', 'Bee', 1, false], ['c', '', 0, true]])
  })

  it('is as large as it says, in one way or the other', () => {
    const box = (head: string): ReturnType<typeof boxOf> => boxOf(new DOMParser().parseFromString(svg('', head), 'image/svg+xml').documentElement)
    expect(box('viewBox="1, 2 30 40"')).toEqual([1, 2, 30, 40])
    expect(box('width="30mm" height="40"')).toEqual([0, 0, 30, 40])
    expect(box('viewBox="0 0 0 0" width="100%"')).toBeUndefined()
    expect(() => readDrawing('<html xmlns="http://www.w3.org/1999/xhtml"/>')).toThrow(NotADrawing)
    expect(() => readDrawing('<svg')).toThrow(NotADrawing)
  })

  it('an L has its marks inside', () => {
    const inside = (x: number, y: number): boolean => x < 20 || y > 80
    const place = widestPlace({ x: 0, y: 0, width: 100, height: 100 }, inside)
    expect(inside(place.x, place.y)).toBe(true)
  })
})

describe('a scene', () => {
  it('is read only when it is one', () => {
    expect(readScene(JSON.parse(JSON.stringify(scene)))).toEqual(scene)
    expect(readScene({ ...JSON.parse(JSON.stringify(scene)), behaviours: [{}] })).toBeUndefined()
    expect(readScene({ version: 2 })).toBeUndefined()
  })

  it('drafts outlive their text', () => {
    expect(readDraftText(writeDraftText({ scene, etag: 'W/"1"' }))).toEqual({ scene, etag: 'W/"1"' })
    expect(readDraftText('{')).toBeUndefined()
  })

  it('binds and unbinds many at once', () => {
    expect(bindAll(scene, new Map([['a', undefined], ['b', 'B']])).bindings).toEqual([{ element: 'gone', twin: 'G' }, { element: 'b', twin: 'B' }])
  })

  it('says of each element what it stands for', () => {
    const rows = editRows([{ id: 'a', name: 'Ay', tag: 'path', depth: 0 }, { id: 'b', name: '', tag: 'g', depth: 0 }], scene.bindings, new Set(['A']))
    expect(rows.map((row) => [row.id, row.state])).toEqual([['gone', 'absent'], ['a', 'missing'], ['b', 'unbound']])
    expect(narrowed(rows, 'ay', 'all').map((row) => row.id)).toEqual(['a'])
    expect(narrowed(rows, '', 'missing').map((row) => row.id)).toEqual(['gone', 'a'])
  })

  it('names and ids', () => {
    expect([nameOf(' Zweiter Stock: Süd '), nameOf('a/b'), nameOf('...')]).toEqual(['zweiter-stock-sud', 'a-b', ''])
    expect(newId('Too warm', ['too-warm'])).toBe('too-warm-2')
    expect(EFFECTS.map((kind) => firstEffect(kind).kind)).toEqual([...EFFECTS])
  })
})

it('what is under the pointer stays there while one zooms', () => {
  const before = fitted({ width: 800, height: 600 }, { width: 1000, height: 500 })
  const at = { x: 120, y: 90 }
  const after = zoomed(before, 1.7, at)
  expect((at.x - after.x) / after.k).toBeCloseTo((at.x - before.x) / before.k)
  expect(fitted({ width: 0, height: 0 }, { width: 1, height: 1 }).k).toBe(1)
})

it('instants and buckets', () => {
  expect(instantOf('-15m', 1_000_000)).toBe(100_000)
  expect(instantOf('2026-11-30T10:00:00Z', 0)).toBe(Date.parse('2026-11-30T10:00:00Z'))
  expect([bucketFor(60), bucketFor(1), bucketFor(240)]).toEqual(['1m', '1s', '4m'])
})

describe('what is done while a scene is saved', () => {
  const scene = (title: string): Scene => ({ version: 1, title, file: 'a.svg', bindings: [], behaviours: [] })
  const [one, two, three] = [{ scene: scene('1'), etag: 'a' }, { scene: scene('2'), etag: 'a' }, { scene: scene('3'), etag: 'a' }]

  it('goes on from the version that was saved', () => {
    expect(stepsSince([one, two], two.scene, 'b')).toEqual([])
    expect(stepsSince([one, two, three], two.scene, 'b')).toEqual([{ ...three, etag: 'b' }])
    expect(stepsSince([one], two.scene, 'b')).toEqual([{ ...one, etag: 'b' }])
  })
})
