import { expect, it } from 'vitest'
import { arrive } from '@/layout/arrive'
import { runLayout } from '@/layout/run'
import type { LayoutRequest } from '@/layout/types'
import { edges, nodes } from './sample'

const before: LayoutRequest = { kind: 'nested', nodes, edges, options: { aspect: 1.41 } }
const withMore = (count: number, room: string): LayoutRequest => {
  const fresh = Array.from({ length: count }, (_each, index) => ({ id: `new-${index}`, model: 'dtmi:x;1', label: '' }))
  return { ...before, nodes: [...nodes, ...fresh], edges: [...edges, ...fresh.map((node) => ({ source: node.id, target: room, name: 'isLocatedIn' }))] }
}

it('puts a new twin into a free cell of its box; nothing else moves', async () => {
  const result = await runLayout(before)
  const room = result.boxes.find((box) => box.count === 1)?.id ?? ''
  const after = arrive(before, result, withMore(1, room))
  nodes.forEach((_node, index) => { expect([after?.x[index], after?.y[index]]).toEqual([result.x[index], result.y[index]]) })
  const around = after?.boxes.find((box) => box.id === room)
  const [x, y] = [after?.x[nodes.length] ?? 0, after?.y[nodes.length] ?? 0]
  expect(around && x > around.x && x < around.x + around.w && y > around.y + around.head && y < around.y + around.h).toBe(true)
  expect(around?.count).toBe(2)
  expect(after?.squeezed).toBe(0)
  expect(after?.lanes.map((lane) => lane.x)).toEqual(result.lanes.map((lane) => lane.x))
})

it('moves the marks of a box together when it is full, inside the box alone', async () => {
  const result = await runLayout(before)
  const request = withMore(60, 'room-2-14')
  const after = arrive(before, result, request)
  expect(after?.squeezed).toBe(1)
  const hazel = after?.boxes.find((box) => box.id === 'room-2-14')
  const places = new Set<string>()
  request.nodes.forEach((node, index) => {
    const [x, y] = [after?.x[index] ?? 0, after?.y[index] ?? 0]
    if (request.edges.some((edge) => edge.source === node.id && edge.target === 'room-2-14' && edge.name === 'isLocatedIn')) {
      expect(hazel && x > hazel.x && x < hazel.x + hazel.w && y > hazel.y && y < hazel.y + hazel.h).toBe(true)
      places.add(`${x} ${y}`)
    } else if (node.id.startsWith('floor')) expect([x, y]).toEqual([result.x[index], result.y[index]])
  })
  expect(places.size).toBeGreaterThan(60)
})

it('forgets who is deleted, and leaves the rest where it is', async () => {
  const result = await runLayout(before)
  const gone = 'temp-2-14'
  const request = { ...before, nodes: nodes.filter((node) => node.id !== gone), edges: edges.filter((edge) => edge.source !== gone && edge.target !== gone) }
  const after = arrive(before, result, request)
  request.nodes.forEach((node, index) => {
    const at = nodes.indexOf(node)
    expect([after?.x[index], after?.y[index]]).toEqual([result.x[at], result.y[at]])
  })
})

it('lays out anew when boxes come or go', async () => {
  const result = await runLayout(before)
  const more = { ...before, nodes: [...nodes, { id: 'part', model: 'm', label: '' }], edges: [...edges, { source: 'temp-2-14', target: 'part', name: 'hasPart' }] }
  expect(arrive(before, result, more)).toBeUndefined()
  expect(arrive(before, result, { ...before, nodes: nodes.filter((node) => node.id !== 'floor-2'), edges: edges.filter((edge) => edge.source !== 'floor-2' && edge.target !== 'floor-2') })).toBeUndefined()
})

it('puts what lies in nothing below all, and keeps the frame', async () => {
  const result = await runLayout(before)
  const after = arrive(before, result, { ...before, nodes: [...nodes, { id: 'loose', model: 'm', label: '' }] })
  expect(after?.y[nodes.length]).toBeGreaterThan(result.bounds.h)
  expect(after?.bounds).toEqual(result.bounds)
})
