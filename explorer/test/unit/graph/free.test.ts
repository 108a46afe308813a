import { expect, it } from 'vitest'
import { Occupied } from '@/graph/paint/free'

it('knows what lies over what, also across its cells', () => {
  const occupied = new Occupied()
  occupied.add({ x: 40, y: 10, w: 100, h: 14 })
  expect(occupied.isFree({ x: 130, y: 20, w: 50, h: 14 })).toBe(false)
  expect(occupied.isFree({ x: 140, y: 10, w: 50, h: 14 })).toBe(true)
  expect(occupied.isFree({ x: 40, y: 24, w: 100, h: 14 })).toBe(true)
  expect(occupied.isFree({ x: -200, y: -200, w: 1000, h: 1000 })).toBe(false)
})
