import { beforeAll, expect, it } from 'vitest'
import { Models } from '@/dtdl/models'
import type { ResolvedModel } from '@/dtdl/model'
import { connectedTo, nearest, neighbours, wayBetween } from '@/features/graph/moves'
import { brightOf, hiddenNames, hiddenTwins } from '@/features/graph/view'
import type { Picture } from '@/graph/types'
import { runLayout } from '@/layout/run'
import type { LayoutResult } from '@/layout/types'
import { layoutInput, pictureOf } from '@/parts/structure/picture'
import { merged, NOTHING, type Structure } from '@/parts/structure/structure'
import { edges, nodes } from '../layout/sample'

const model = (id: string, bases: readonly string[] = []): ResolvedModel => ({ id, displayName: {}, description: {}, dtdlVersion: 3, decommissioned: false, uploadTime: '', extends: bases.slice(0, 1), bases, contents: [] })
const name = (text: string): string => `dtmi:kastor:sample:${text};1`
const models = new Models(1, [
  model(name('Entity')), ...['Space', 'Equipment', 'Sensor', 'Tenant'].map((each) => model(name(each), [name('Entity')])),
  ...['Room', 'Floor', 'Building', 'Site'].map((each) => model(name(each), [name('Space'), name('Entity')])), model(name('MeetingRoom'), [name('Room'), name('Space'), name('Entity')]),
  ...['TemperatureSensor', 'OccupancySensor', 'AirQualitySensor', 'PowerMeter'].map((each) => model(name(each), [name('Sensor'), name('Entity')])),
  ...['Light', 'VavBox', 'AirHandlingUnit', 'HvacEquipment'].map((each) => model(name(each), [name('Equipment'), name('Entity')])),
])
const structure: Structure = merged(NOTHING, nodes, edges.map((edge, index) => ({ ...edge, id: String(index), key: `${edge.source}/${index}` })))
const view = { show: [], hide: [] }
let layout: LayoutResult
let picture: Picture

beforeAll(async () => {
  layout = await runLayout({ kind: 'nested', ...layoutInput(structure), options: { aspect: 1.4 } })
  picture = pictureOf(structure, layout, models)
})

it('shows a family alone in the boxes that are around it', () => {
  const hidden = hiddenTwins(structure, layout, models, { show: ['m:Sensor'], hide: [] }, undefined)
  expect(hidden.has('light-2-14')).toBe(true)
  expect(hidden.has('temp-2-14')).toBe(false)
  expect(hidden.has('room-2-14')).toBe(false)
})

it('hides a box with all that lies in it', () => {
  const hidden = hiddenTwins(structure, layout, models, view, ['room-2-14'])
  expect([...hidden].sort()).toEqual(['air-2-14', 'light-2-14', 'occ-2-14', 'room-2-14', 'temp-2-14'])
})

it('turns off a name of very many lines until it is asked for', () => {
  const many = merged(structure, [], Array.from({ length: 200 }, (_each, index) => ({ key: `room-1-01/m${index}`, id: `m${index}`, source: 'room-1-01', target: 'room-2-14', name: 'touches' })))
  const plain = { ...layout, implied: new Uint8Array(many.edges.size), inLane: new Uint8Array(many.edges.size) }
  expect(hiddenNames(many, plain, view).many).toEqual(new Set(['touches']))
  expect(hiddenNames(many, plain, { show: ['touches'], hide: [] }).off.has('touches')).toBe(false)
  expect(hiddenNames(many, plain, { show: [], hide: ['feeds'] }).off.has('feeds')).toBe(true)
})

it('keeps the selection, its lines, its neighbours and what is around it bright', () => {
  const bright = brightOf(structure, layout.parent, ['room-2-14'])
  for (const id of ['room-2-14', 'temp-2-14', 'floor-2', 'building-1', 'site-1', 'room-2-01']) expect(bright?.has(id)).toBe(true)
  expect(bright?.has('room-1-14')).toBe(false)
  expect(brightOf(structure, layout.parent, ['gone'])).toBeUndefined()
})

it('walks to the nearest mark in a direction, and around a twin', () => {
  const at = (id: string | undefined): readonly [number, number] => { const index = nodes.findIndex((node) => node.id === id); return [layout.x[index] ?? NaN, layout.y[index] ?? NaN] }
  const right = nearest(picture, new Set(), 'air-2-14', 'right')
  expect(right).toBe('light-2-14')
  expect(nearest(picture, new Set(['light-2-14']), 'air-2-14', 'right')).toBe('occ-2-14')
  expect(at(nearest(picture, new Set(), 'floor-2', 'up'))[1]).toBeLessThan(at('floor-2')[1])
  expect(nearest(picture, new Set(), undefined, 'down')).toBe('site-1')
  const around = neighbours(picture, 'room-2-14')
  expect(new Set(around).size).toBe(around.length)
  // Both are adjacent to it: Copy and storage comes before Corridor.
  expect(around.slice(0, 2)).toEqual(['room-2-13', 'room-2-01'])
})

it('finds ways and what hangs together', () => {
  const way = wayBetween(structure.edges.values(), 'temp-2-14', 'light-2-14')
  expect(way?.twins).toEqual(['temp-2-14', 'room-2-14', 'light-2-14'])
  expect(way?.lines).toHaveLength(2)
  expect(wayBetween(structure.edges.values(), 'temp-2-14', 'nowhere')).toBeUndefined()
  expect(connectedTo(structure.edges.values(), 'site-1').size).toBe(342)
})
