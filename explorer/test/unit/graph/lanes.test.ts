import { describe, expect, it } from 'vitest'
import { lanePath } from '@/graph/paint/lanes'
import type { Step } from '@/graph/pen'

const places = (steps: readonly Step[]): (readonly [string, number, number])[] => steps.flatMap((step) => (step.to === 'close' ? [] : [[step.to, step.x, step.y] as const]))

describe('a lane', () => {
  const path = lanePath(10, { x: 30, y: 500 }, [{ x: 30, y: 400 }, { x: 30, y: 100 }, { x: 30, y: 300 }])

  it('goes from its source along the trunk to the stop that is farthest', () => {
    expect(places(path.trunk)).toEqual([['move', 30, 500], ['corner', 10, 500], ['corner', 10, 100], ['line', 26, 100]])
    expect(path.dot).toEqual({ x: 30, y: 500 })
  })

  it('branches to the stops between', () => {
    expect(path.stops.map((stop) => places(stop.branch))).toEqual([[['move', 10, 400], ['line', 26, 400]], [], [['move', 10, 300], ['line', 26, 300]]])
  })

  it('goes both ways where stops lie above and below', () => {
    const both = lanePath(10, { x: 30, y: 300 }, [{ x: 30, y: 100 }, { x: 30, y: 500 }])
    expect(places(both.trunk).filter(([to]) => to === 'move')).toHaveLength(2)
    expect(both.stops.every((stop) => stop.branch.length === 0)).toBe(true)
  })

  it('has corners no larger than there is room', () => {
    const tight = lanePath(28, { x: 30, y: 104 }, [{ x: 30, y: 100 }])
    for (const step of tight.trunk) if (step.to === 'corner') expect(step.radius).toBeLessThanOrEqual(2)
  })
})
