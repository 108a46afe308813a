import { beforeAll, describe, expect, it } from 'vitest'
import { Grid, awayFrom, contains, inLasso, markAt, pickAt } from '@/graph/hits'
import { drawnFor } from '@/graph/paint/rings'
import { pointOf, rectOf } from '@/graph/stage'
import type { Picture } from '@/graph/types'
import { picture, seen } from './picture'

let building: Picture
beforeAll(async () => { building = await picture() })

describe('what is under the pointer', () => {
  it('is each mark at its own place', () => {
    const all = seen(building, {}, 0.3)
    const grid = new Grid(all.scene)
    building.nodes.forEach((node, index) => {
      const { x, y } = pointOf(all.scene, all.frame, index)
      expect(pickAt(all, grid, x, y)).toEqual({ kind: 'node', id: node.id })
    })
  })

  it('is the innermost box where no mark is', () => {
    const all = seen(building)
    const room = all.scene.boxes.find((box) => box.id === 'room-2-14')
    if (!room) throw new Error('no room')
    const rect = rectOf(room, all.frame)
    expect(pickAt(all, new Grid(all.scene), rect.x + rect.w - 3, rect.y + rect.h - 3)).toEqual({ kind: 'box', id: 'room-2-14' })
  })

  it('is a lane beside the floors', () => {
    const all = seen(building)
    const lane = all.scene.lanes[0]
    if (!lane) throw new Error('no lane')
    const middle = (lane.from.y + (lane.stops.at(-1)?.y ?? 0)) / 2
    const x = lane.x * all.frame.u + all.frame.left
    expect(pickAt(all, new Grid(all.scene), x, middle * all.frame.u + all.frame.top).kind).toBe('lane')
  })

  it('is the ground outside of all', () => {
    const all = seen(building)
    expect(pickAt(all, new Grid(all.scene), 2, 2)).toEqual({ kind: 'ground' })
  })

  it('is a line of the selection', () => {
    const all = seen(building, { selected: new Set(['room-2-14']) }, 0.2)
    const edge = all.state.near.find((each) => building.layout.implied[each] === 1 && building.edges[each]?.name === 'hasSensor') ?? -1
    const [a, b] = [pointOf(all.scene, all.frame, all.scene.from[edge] ?? -1), pointOf(all.scene, all.frame, all.scene.to[edge] ?? -1)]
    const pick = pickAt(all, new Grid(all.scene), (a.x + b.x) / 2, (a.y + b.y) / 2)
    // Another relationship of the same two lies in the same place.
    expect(pick.kind).toBe('edge')
  })

  it('is nothing that is hidden', () => {
    const hidden = seen(building, { hidden: new Set(['floor-4']) })
    const { x, y } = pointOf(hidden.scene, hidden.frame, hidden.scene.indexOf.get('floor-4') ?? -1)
    expect(pickAt(hidden, new Grid(hidden.scene), x, y)).toEqual({ kind: 'box', id: 'building-1' })
  })

  it('is no mark in a bar', async () => {
    const shut = seen(await picture('nested', ['floor-2']))
    const node = shut.scene.indexOf.get('room-2-14') ?? -1
    const { x, y } = pointOf(shut.scene, shut.frame, node)
    expect(markAt(shut, new Grid(shut.scene), x, y)).not.toBe(node)
  })
})

it('rings for a twin in a bar where the bar is', async () => {
  const shut = seen(await picture('nested', ['floor-2']))
  const node = (id: string): number => shut.scene.indexOf.get(id) ?? -1
  expect(drawnFor(shut, node('temp-2-14'))).toBe(node('floor-2'))
  expect(drawnFor(shut, node('temp-1-02'))).toBe(node('temp-1-02'))
  expect(drawnFor(shut, -1)).toBe(-1)
})

describe('the lasso', () => {
  it('takes the marks within', () => {
    const all = seen(building)
    const room = all.scene.boxes.find((box) => box.id === 'room-2-14')
    if (!room) throw new Error('no room')
    const { x, y, w, h } = rectOf(room, all.frame)
    const taken = inLasso(all, [{ x, y }, { x: x + w, y }, { x: x + w, y: y + h }, { x, y: y + h }])
    expect(taken).toContain('room-2-14')
    expect(taken).toHaveLength(1 + room.count)
  })

  it('knows inside from outside of a hollow form', () => {
    const form = [{ x: 0, y: 0 }, { x: 10, y: 0 }, { x: 10, y: 10 }, { x: 5, y: 2 }, { x: 0, y: 10 }]
    expect(contains(form, 1, 5)).toBe(true)
    expect(contains(form, 5, 5)).toBe(false)
    expect(contains([], 5, 5)).toBe(false)
  })
})

it('measures how far a place is from a line', () => {
  expect(awayFrom(5, 3, 0, 0, 10, 0)).toBe(3)
  expect(awayFrom(-3, 4, 0, 0, 10, 0)).toBe(5)
  expect(awayFrom(1, 1, 0, 0, 0, 0)).toBeCloseTo(Math.SQRT2)
})
