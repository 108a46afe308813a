import { expect, it } from 'vitest'
import { forestOf, impliedBy, lineOf } from '@/layout/forest'
import { edges, nodes, randomOf, shuffled } from './sample'

const forest = forestOf(nodes, edges)
const indexOf = (id: string): number => nodes.findIndex((node) => node.id === id)
const parentOf = (id: string): string | undefined => nodes[forest.parent[indexOf(id)] ?? -1]?.id

it('finds by what the sample building is nested', () => {
  const scores = Object.fromEntries(forest.containments.map(({ name, direction, score, used }) => [name, { direction, score: Number(score.toFixed(2)), used }]))
  expect(scores).toMatchObject({
    hasPart: { direction: 'down', score: 1, used: true }, isLocatedIn: { direction: 'up', score: 0.93, used: true }, hasSensor: { direction: 'down', score: 0.86, used: true },
    observes: { direction: 'up', score: 0.72, used: true }, serves: { direction: 'up', score: 0.54, used: true }, feeds: { used: false },
  })
  expect(forest.containments.find((each) => each.name === 'feeds')?.fit).toBeCloseTo(0.31, 1)
})

it('nests the sample under one root, tenants where their rooms meet', () => {
  expect(forest.roots.map((node) => nodes[node]?.id)).toEqual(['site-1'])
  expect(parentOf('room-2-14')).toBe('floor-2')
  expect(forest.contained).toBeCloseTo(341 / 342)
  expect(impliedBy(forest).reduce((sum, each) => sum + each, 0)).toBe(555)
})

it('does not depend on the order of its lists', () => {
  const random = randomOf(7)
  const mixed = shuffled(nodes, random)
  const other = forestOf(mixed, shuffled(edges, random))
  const parents = Object.fromEntries(mixed.map((node, index) => [node.id, mixed[other.parent[index] ?? -1]?.id]))
  expect(parents).toEqual(Object.fromEntries(nodes.map((node, index) => [node.id, nodes[forest.parent[index] ?? -1]?.id])))
})

it('never closes a circle, whatever the graph', () => {
  for (let seed = 1; seed <= 30; seed += 1) {
    const random = randomOf(seed)
    const some = Array.from({ length: 40 }, (_each, index) => ({ id: `t${index}`, model: `m${index % 3}`, label: '' }))
    const pick = (): string => `t${Math.floor(random() * 44)}`
    const lines = Array.from({ length: 120 }, () => ({ source: pick(), target: pick(), name: ['hasPart', 'isPartOf', 'other', 'feeds'][Math.floor(random() * 4)] ?? '' }))
    const { parent, depth, count, roots } = forestOf(some, lines, ['hasPart', 'isPartOf', 'other'])
    parent.forEach((_up, node) => { expect(lineOf(parent, node).length).toBe((depth[node] ?? 0) + 1) })
    expect(roots.reduce((sum, node) => sum + 1 + (count[node] ?? 0), 0)).toBe(40)
  }
})

it('makes no boxes of a chain whose name says nothing', () => {
  const chain = Array.from({ length: 10 }, (_each, index) => ({ id: `t${index}`, model: 'm', label: '' }))
  const links = chain.slice(1).map((node, index) => ({ source: `t${index}`, target: node.id, name: 'leadsTo' }))
  expect(forestOf(chain, links).contained).toBe(0)
  expect(forestOf(chain, links, ['leadsTo']).contained).toBeCloseTo(0.9)
})

it('lays what is deeper than anybody sees side by side', () => {
  const deep = Array.from({ length: 200 }, (_each, index) => ({ id: `t${index}`, model: 'm', label: '' }))
  const { depth } = forestOf(deep, deep.slice(1).map((node, index) => ({ source: `t${index}`, target: node.id, name: 'hasPart' })))
  expect(Math.max(...depth)).toBe(16)
})

it('takes acquaintances for no boxes', () => {
  const random = randomOf(5)
  const people = Array.from({ length: 60 }, (_each, index) => ({ id: `p${index}`, model: 'person', label: '' }))
  const firms = Array.from({ length: 6 }, (_each, index) => ({ id: `f${index}`, model: 'firm', label: '' }))
  const lines = people.flatMap((one, index) => [{ source: one.id, target: `p${Math.floor(random() * 60)}`, name: 'knows' }, { source: one.id, target: `f${index % 6}`, name: 'worksAt' }])
  const used = forestOf([...people, ...firms], lines).containments.filter((each) => each.used).map((each) => each.name)
  expect(used).toEqual(['worksAt'])
})
