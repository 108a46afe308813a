import { beforeAll, expect, it } from 'vitest'
import { runLayout } from '@/layout/run'
import type { Box, LayoutResult } from '@/layout/types'
import { edges, nodes, randomOf, shuffled } from './sample'

const ASPECT = 1.41
let sample: LayoutResult
const boxOf = (result: LayoutResult, id: string): Box | undefined => result.boxes.find((each) => each.id === id)
const within = (inner: Box, outer: Box): boolean =>
  inner.x >= outer.x && inner.y >= outer.y + outer.head - 1e-9 && inner.x + inner.w <= outer.x + outer.w + 1e-9 && inner.y + inner.h <= outer.y + outer.h + 1e-9
const apart = (one: Box, other: Box): boolean => one.x + one.w <= other.x || other.x + other.w <= one.x || one.y + one.h <= other.y || other.y + other.h <= one.y

beforeAll(async () => { sample = await runLayout({ kind: 'nested', nodes, edges, options: { aspect: ASPECT } }) })

it('stacks the floors of the sample, the top floor first', () => {
  expect(sample.boxes).toHaveLength(75)
  const floors = sample.boxes.filter((each) => each.id.startsWith('floor-')).sort((one, other) => one.y - other.y)
  expect(floors.map((each) => each.id)).toEqual(['floor-4', 'floor-3', 'floor-2', 'floor-1', 'floor-0'])
  expect(new Set(floors.map((each) => each.w)).size).toBe(1)
  expect(boxOf(sample, 'building-1')?.stacked).toBe(true)
})

it('replaces the lines between floors by three lanes', () => {
  expect(sample.lanes.map((lane) => [lane.name, lane.edges.length]).sort()).toEqual([['feeds', 27], ['observes', 4], ['serves', 4]])
  expect(sample.inLane.reduce((sum, each) => sum + each, 0)).toBe(35)
  expect(sample.implied.reduce((sum, each) => sum + each, 0)).toBe(555)
})

it('fits the view', () => {
  expect(sample.bounds.w / sample.bounds.h).toBeGreaterThan(1.1)
  expect(sample.bounds.w / sample.bounds.h).toBeLessThan(1.7)
})

const invariants = (result: LayoutResult): void => {
  for (const box of result.boxes) {
    const outer = result.boxes[box.parent]
    if (outer) expect(within(box, outer)).toBe(true)
    const siblings = result.boxes.filter((each) => each.parent === box.parent && each !== box)
    for (const sibling of siblings) expect(apart(box, sibling)).toBe(true)
  }
  const places = new Set<string>()
  result.x.forEach((x, node) => {
    const y = result.y[node] ?? NaN
    expect(Number.isFinite(x) && Number.isFinite(y)).toBe(true)
    if (result.absent[node] === 1) return
    places.add(`${x.toFixed(3)} ${y.toFixed(3)}`)
    const around = result.boxes[result.box[result.parent[node] ?? -1] ?? -1]
    if (around) expect(x > around.x && x < around.x + around.w && y > around.y && y < around.y + around.h).toBe(true)
  })
  expect(places.size).toBe(result.x.length - result.absent.reduce((sum, each) => sum + each, 0))
}

it('keeps everything inside its box and apart from the others', () => { invariants(sample) })

it('gives the same picture each time, whatever the order of the lists', async () => {
  const random = randomOf(3)
  const mixed = shuffled(nodes, random)
  const other = await runLayout({ kind: 'nested', nodes: mixed, edges: shuffled(edges, random), options: { aspect: ASPECT + 0.02 } })
  nodes.forEach((node, index) => {
    const at = mixed.indexOf(node)
    expect([other.x[at], other.y[at]]).toEqual([sample.x[index], sample.y[index]])
  })
})

it('holds for graphs of any kind', async () => {
  for (let seed = 1; seed <= 12; seed += 1) {
    const random = randomOf(seed)
    const some = Array.from({ length: 60 }, (_each, index) => ({ id: `t${index}`, model: `m${index % 3}`, label: '', ...(random() < 0.3 && { level: Math.floor(random() * 4) }) }))
    const lines = some.slice(1).filter(() => random() < 0.9).map((node, index) => ({ source: `t${Math.floor(random() * (index + 1))}`, target: node.id, name: 'hasPart' }))
    invariants(await runLayout({ kind: 'nested', nodes: some, edges: lines, options: { aspect: 0.5 + random() * 2 } }))
  }
})

it('makes a bar of a box that is collapsed, and of one with very many marks until it is opened', async () => {
  const collapsed = await runLayout({ kind: 'nested', nodes, edges, options: { aspect: ASPECT, collapsed: ['floor-2'] } })
  expect(boxOf(collapsed, 'floor-2')).toMatchObject({ collapsed: true, count: 66 })
  expect(boxOf(collapsed, 'room-2-14')).toBeUndefined()
  expect(collapsed.absent[nodes.findIndex((node) => node.id === 'room-2-14')]).toBe(1)
  const many = [{ id: 'box', model: 'm', label: '' }, ...Array.from({ length: 500 }, (_each, index) => ({ id: `t${index}`, model: 'n', label: '' }))]
  const lines = many.slice(1).map((node) => ({ source: 'box', target: node.id, name: 'hasPart' }))
  expect((await runLayout({ kind: 'nested', nodes: many, edges: lines, options: { aspect: 1 } })).boxes[0]?.collapsed).toBe(true)
  const opened = await runLayout({ kind: 'nested', nodes: many, edges: lines, options: { aspect: 1, opened: ['box'] } })
  expect(opened.boxes[0]?.collapsed).toBe(false)
  invariants(opened)
})
