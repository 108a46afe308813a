import { describe, expect, it } from 'vitest'
import { cornerOf, detailOf, flatRadius, growth, radiusAtFit, titleSize } from '@/graph/lod'

describe('levels of detail', () => {
  it('shows more as one comes nearer', () => {
    expect(detailOf(6.9, 1)).toEqual({ depth: 2, names: false, values: false, lines: false })
    expect(detailOf(7, 1)).toEqual({ depth: Infinity, names: false, values: false, lines: false })
    expect(detailOf(35, 0.49)).toEqual({ depth: Infinity, names: true, values: false, lines: true })
    expect(detailOf(45, 0.5)).toEqual({ depth: Infinity, names: true, values: true, lines: false })
  })

  it('keeps marks between two and nine pixels when all fits', () => {
    expect(radiusAtFit(14.6, 'circle', undefined)).toBeCloseTo(3.43, 2)
    expect(radiusAtFit(1, 'circle', undefined)).toBe(2)
    expect(radiusAtFit(100, 'circle', 0)).toBe(9)
    expect(radiusAtFit(100, 'triangle', 0)).toBe(13.5)
  })

  it('makes chips smaller the deeper their box lies', () => {
    const radii = [0, 1, 2, 3, 4, 5].map((depth) => radiusAtFit(14, 'circle', depth))
    expect(radii).toEqual([...radii].sort((a, b) => b - a))
    expect(radii[4]).toBe(radii[5])
  })

  it('lets marks grow with the root of the zoom, and not without end', () => {
    expect(growth(40, 10)).toBe(2)
    expect(growth(10_000, 10)).toBe(3)
  })

  it('makes hubs larger where no boxes are', () => {
    expect(flatRadius(4, 'circle', 12)).toBeGreaterThan(flatRadius(4, 'circle', 0))
    expect(flatRadius(4, 'circle', 1e9)).toBeLessThan(3 * flatRadius(4, 'circle', 0))
  })

  it('gives titles only where they can be read', () => {
    expect(titleSize(3, 19, 100)).toBe(11.5)
    expect(titleSize(3, 9, 100)).toBeUndefined()
    expect(titleSize(3, 19, 39)).toBeUndefined()
    expect(titleSize(0, 500, 500)).toBeCloseTo(18)
    expect(titleSize(9, 19, 100)).toBe(11)
  })

  it('rounds deep boxes less', () => { expect([0, 1, 2, 3, 4, 7].map(cornerOf)).toEqual([10, 9, 8, 6, 5, 5]) })
})
