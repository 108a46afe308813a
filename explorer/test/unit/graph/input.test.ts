import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { type Grip, Input, type InputHost } from '@/graph/input'

let element: HTMLElement
let input: Input
let grip: Grip
const host = { pan: vi.fn(), zoom: vi.fn(), drag: vi.fn(), click: vi.fn(), doubleClick: vi.fn(), menu: vi.fn(), hover: vi.fn() } satisfies Omit<InputHost, 'grip'>

beforeEach(() => {
  vi.clearAllMocks()
  grip = { kind: 'pan' }
  element = document.createElement('div')
  // Not there without a browser that draws.
  element.setPointerCapture = () => undefined
  document.body.append(element)
  input = new Input(element, { ...host, grip: () => grip })
})
afterEach(() => {
  input.destroy()
  element.remove()
})

function pointer(type: string, x: number, y: number, more: Partial<PointerEventInit> = {}): void {
  element.dispatchEvent(new PointerEvent(type, { clientX: x, clientY: y, pointerId: 1, button: 0, bubbles: true, ...more }))
}

describe('the pointer', () => {
  it('clicks where it is pressed and let go', () => {
    pointer('pointerdown', 10, 20, { shiftKey: true })
    pointer('pointermove', 12, 21)
    pointer('pointerup', 12, 21, { shiftKey: true })
    expect(host.click).toHaveBeenCalledExactlyOnceWith({ x: 12, y: 21, shift: true, alt: false })
    expect(host.pan).not.toHaveBeenCalled()
  })

  it('clicks twice in one place as one double click', () => {
    for (let times = 0; times < 3; times += 1) {
      pointer('pointerdown', 10, 20)
      pointer('pointerup', 10, 20)
    }
    expect(host.click).toHaveBeenCalledTimes(3)
    expect(host.doubleClick).toHaveBeenCalledTimes(1)
  })

  it('does not take two places for one', () => {
    for (const x of [10, 40]) {
      pointer('pointerdown', x, 20)
      pointer('pointerup', x, 20)
    }
    expect(host.doubleClick).not.toHaveBeenCalled()
  })

  it('moves the ground by as much as it moves', () => {
    pointer('pointerdown', 10, 10)
    for (const x of [20, 35, 50]) pointer('pointermove', x, 10)
    pointer('pointerup', 50, 10)
    expect(host.pan.mock.calls.reduce((sum, [dx]) => sum + Number(dx), 0)).toBe(40)
    expect(host.click).not.toHaveBeenCalled()
  })

  it('draws a lasso to its end', () => {
    grip = { kind: 'lasso' }
    pointer('pointerdown', 0, 0)
    for (const at of [10, 20, 30]) pointer('pointermove', at, at)
    pointer('pointerup', 30, 30)
    expect(host.drag.mock.calls.map(([, , state]) => state)).toEqual(['on', 'on', 'on', 'end'])
    expect(host.drag.mock.lastCall?.[1]).toHaveLength(4)
  })

  it('gives up on Escape, and then does nothing until it is pressed again', () => {
    grip = { kind: 'connect', id: 'a' }
    pointer('pointerdown', 0, 0)
    pointer('pointermove', 30, 30)
    const pageHeard = vi.fn()
    document.body.addEventListener('keydown', pageHeard)
    element.dispatchEvent(new KeyboardEvent('keydown', { key: 'Escape', bubbles: true }))
    pointer('pointermove', 60, 60)
    pointer('pointerup', 60, 60)
    expect(host.drag.mock.calls.map(([, , state]) => state)).toEqual(['on', 'cancel'])
    expect(host.click).not.toHaveBeenCalled()
    // What was open before stays open.
    expect(pageHeard).not.toHaveBeenCalled()
    document.body.removeEventListener('keydown', pageHeard)
  })

  it('leaves Escape to the page when nothing is dragged', () => {
    const pageHeard = vi.fn()
    document.body.addEventListener('keydown', pageHeard)
    element.dispatchEvent(new KeyboardEvent('keydown', { key: 'Escape', bubbles: true }))
    expect(pageHeard).toHaveBeenCalledTimes(1)
    document.body.removeEventListener('keydown', pageHeard)
  })

  it('gives up when a second finger comes, and zooms by both', () => {
    grip = { kind: 'connect', id: 'a' }
    pointer('pointerdown', 100, 100, { pointerId: 1 })
    pointer('pointermove', 110, 100, { pointerId: 1 })
    pointer('pointerdown', 210, 100, { pointerId: 2 })
    expect(host.drag.mock.lastCall?.[2]).toBe('cancel')
    pointer('pointermove', 310, 100, { pointerId: 2 })
    expect(host.zoom.mock.lastCall).toEqual([{ x: 210, y: 100 }, 2])
    pointer('pointerup', 310, 100, { pointerId: 2 })
    pointer('pointerup', 110, 100, { pointerId: 1 })
    expect(host.click).not.toHaveBeenCalled()
  })

  it('asks for the menu instead of the browser’s', () => {
    const event = new MouseEvent('contextmenu', { clientX: 5, clientY: 6, cancelable: true })
    element.dispatchEvent(event)
    expect(event.defaultPrevented).toBe(true)
    expect(host.menu).toHaveBeenCalledExactlyOnceWith({ x: 5, y: 6, shift: false, alt: false })
  })

  it('leaves the middle and the right button alone', () => {
    pointer('pointerdown', 1, 1, { button: 2 })
    pointer('pointerup', 1, 1, { button: 2 })
    expect(host.click).not.toHaveBeenCalled()
  })
})

describe('the wheel', () => {
  const roll = (deltaY: number, more: Partial<WheelEventInit> = {}): number => {
    const event = new WheelEvent('wheel', { deltaY, clientX: 7, clientY: 8, cancelable: true, ...more })
    element.dispatchEvent(event)
    expect(event.defaultPrevented).toBe(true)
    return Number(host.zoom.mock.lastCall?.[1])
  }

  it('comes nearer and goes away by the same', () => {
    expect(roll(-100)).toBeGreaterThan(1)
    expect(roll(-100) * roll(100)).toBeCloseTo(1)
    expect(host.zoom.mock.lastCall?.[0]).toMatchObject({ x: 7, y: 8 })
  })

  it('takes a pinch on a trackpad for more, and no jump for a huge step', () => {
    expect(roll(-10, { ctrlKey: true })).toBeGreaterThan(roll(-10))
    expect(roll(-100_000)).toBeLessThan(2)
  })
})
