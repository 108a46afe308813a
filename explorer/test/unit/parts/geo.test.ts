import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { JsonObject } from '@/api/json'
import { addVertex, firstShape, linesOf, moveVertex, removeVertex, repaired, shapeProblem, SHAPES } from '@/parts/values/geo'
import { viewOf } from '@/parts/values/geo-view'

const kinds = Object.keys(SHAPES)
const coordinate = fc.double({ min: -180, max: 180, noNaN: true })

function shape(kind: string): JsonObject { return firstShape(kind) ?? {} }

describe('a shape', () => {
  it('begins as one without fault, and stays one while its vertices are moved, added and removed', () => {
    for (const kind of kinds) {
      expect(shapeProblem(kind, shape(kind))).toBeUndefined()
      fc.assert(fc.property(fc.array(fc.tuple(fc.constantFrom('move', 'add', 'remove'), fc.nat(20), coordinate, coordinate), { maxLength: 8 }), (acts) => {
        let value = shape(kind)
        for (const [act, index, x, y] of acts) {
          const vertices = (linesOf(kind, value) ?? []).flatMap((line) => line.vertices.slice(0, line.closed ? -1 : undefined))
          const vertex = vertices[index % Math.max(1, vertices.length)]
          if (!vertex) break
          if (act === 'move') value = moveVertex(kind, value, vertex.at, x, y)
          else if (act === 'add' && vertex.at.length > 0) value = addVertex(value, vertex.at)
          else if (act === 'remove' && vertices.length > 4) value = removeVertex(kind, value, vertex.at)
        }
        expect(['form', 'open']).not.toContain(shapeProblem(kind, value))
      }), { numRuns: 40 })
    }
  })

  it('whose ring is open or runs the wrong way is told, and repaired', () => {
    const open = { type: 'Polygon', coordinates: [[[0, 0], [1, 0], [1, 1]]] }
    expect(shapeProblem('polygon', open)).toBe('open')
    expect(shapeProblem('polygon', repaired('polygon', open))).toBeUndefined()
    const wrong = { type: 'Polygon', coordinates: [[[0, 0], [1, 1], [1, 0], [0, 0]]] }
    expect(shapeProblem('polygon', wrong)).toBe('order')
    expect(shapeProblem('polygon', repaired('polygon', wrong))).toBeUndefined()
    expect(shapeProblem('point', { type: 'Point', coordinates: 'x' })).toBe('form')
  })

  it('keeps the third number of a position and what else it has', () => {
    const value = moveVertex('point', { type: 'Point', coordinates: [1, 2, 3], crs: 'x' }, [], 4, 5)
    expect(value).toEqual({ type: 'Point', coordinates: [4, 5, 3], crs: 'x' })
  })

  it('is drawn within its picture', () => {
    fc.assert(fc.property(fc.array(fc.tuple(coordinate, coordinate), { minLength: 2, maxLength: 6 }), (positions) => {
      const lines = linesOf('lineString', { type: 'LineString', coordinates: positions }) ?? []
      const view = viewOf(lines)
      for (const { x, y } of lines.flatMap((line) => line.vertices)) {
        expect(view.x(x)).toBeGreaterThanOrEqual(0)
        expect(view.x(x)).toBeLessThanOrEqual(view.width)
        expect(view.y(y)).toBeGreaterThanOrEqual(0)
        expect(view.y(y)).toBeLessThanOrEqual(view.height)
      }
    }))
  })
})
