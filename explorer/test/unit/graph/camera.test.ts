import { describe, expect, it } from 'vitest'
import { MARGIN_X, MARGIN_Y, between, cameraFor, frameOf, homeCamera, zoomedAt } from '@/graph/camera'
import { isWhole } from '@/graph/minimap'

const BOUNDS = { x: 0, y: 0, w: 68, h: 48 }
const SIZE = { w: 1040, h: 820 }
const HOME = homeCamera(BOUNDS)

describe('the camera', () => {
  it('shows all of it, with margins for what floats above', () => {
    const frame = frameOf(HOME, BOUNDS, SIZE)
    expect(frame.u).toBe(frame.fitU)
    expect(frame.left).toBeGreaterThanOrEqual(MARGIN_X)
    expect(frame.top).toBeGreaterThanOrEqual(MARGIN_Y)
    expect(frame.left + BOUNDS.w * frame.u).toBeLessThanOrEqual(SIZE.w - MARGIN_X + 1e-6)
  })

  it('keeps what is under the pointer there while it comes nearer', () => {
    for (const factor of [0.5, 1.3, 4]) {
      const frame = frameOf(HOME, BOUNDS, SIZE)
      const [x, y] = [(300 - frame.left) / frame.u, (200 - frame.top) / frame.u]
      const after = frameOf(zoomedAt(HOME, frame, 300, 200, factor), BOUNDS, SIZE)
      expect(x * after.u + after.left).toBeCloseTo(300)
      expect(y * after.u + after.top).toBeCloseTo(200)
    }
  })

  it('knows whether all of it is in view', () => {
    expect(isWhole(BOUNDS, frameOf(HOME, BOUNDS, SIZE))).toBe(true)
    expect(isWhole(BOUNDS, frameOf({ ...HOME, ratio: 0.5 }, BOUNDS, SIZE))).toBe(false)
    expect(isWhole(BOUNDS, frameOf({ ...HOME, x: 80 }, BOUNDS, SIZE))).toBe(false)
  })

  it('neither loses the picture nor falls into it', () => {
    let camera = HOME
    for (let step = 0; step < 100; step += 1) camera = zoomedAt(camera, frameOf(camera, BOUNDS, SIZE), 5, 5, 2)
    expect(camera.ratio).toBeGreaterThan(0)
    for (let step = 0; step < 100; step += 1) camera = zoomedAt(camera, frameOf(camera, BOUNDS, SIZE), 5, 5, 0.5)
    expect(camera.ratio).toBeLessThanOrEqual(4)
  })

  it('goes to a box so that the box is seen whole', () => {
    const box = { x: 10, y: 20, w: 7, h: 3 }
    const frame = frameOf(cameraFor(box, frameOf(HOME, BOUNDS, SIZE), 50), BOUNDS, SIZE)
    expect(frame.u).toBe(50)
    expect(box.x * frame.u + frame.left).toBeGreaterThan(0)
    expect((box.x + box.w) * frame.u + frame.left).toBeLessThan(SIZE.w)
  })

  it('is at both ends of a way, and in between', () => {
    const goal = { x: 5, y: 6, ratio: 0.25 }
    expect(between(HOME, goal, 0)).toEqual(HOME)
    const end = between(HOME, goal, 1)
    expect([end.x, end.y, end.ratio]).toEqual([expect.closeTo(5), expect.closeTo(6), expect.closeTo(0.25)])
    expect(between(HOME, goal, 0.5).ratio).toBeCloseTo(0.5)
    expect(between(HOME, { ...HOME, x: 44 }, 0.5).x).toBeCloseTo(39)
  })
})
