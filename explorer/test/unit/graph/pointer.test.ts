import { beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { Pointer } from '@/graph/pointer'
import { pointOf, rectOf } from '@/graph/stage'
import type { GraphEvents, Picture } from '@/graph/types'
import { type Seen, picture, seen } from './picture'

let building: Picture
let free: Picture
beforeAll(async () => {
  building = await picture()
  free = await picture('tree')
})

const events = {
  onClick: vi.fn(), onDoubleClick: vi.fn(), onMenu: vi.fn(), onHover: vi.fn(), onMove: vi.fn(), onConnect: vi.fn(), onLasso: vi.fn(), onCamera: vi.fn(), onLost: vi.fn(),
} satisfies GraphEvents

let element: HTMLElement
beforeEach(() => {
  vi.clearAllMocks()
  element = document.createElement('div')
  element.setPointerCapture = () => undefined
})

const host = { pan: vi.fn(), zoom: vi.fn(), halt: vi.fn(), moved: vi.fn(), paint: vi.fn(), paintAir: vi.fn() }

function pointerOver(all: Seen, mayConnect = true): Pointer {
  return new Pointer(element, { container: element, events, still: true, mayConnect: () => mayConnect }, { ...host, scene: () => all.scene, state: () => all.state, frame: () => all.frame })
}

const place = (all: Seen, id: string) => pointOf(all.scene, all.frame, all.scene.indexOf.get(id) ?? -1)

function drag(from: { x: number; y: number }, to: { x: number; y: number }): void {
  const send = (type: string, { x, y }: { x: number; y: number }): void => { element.dispatchEvent(new PointerEvent(type, { clientX: x, clientY: y, pointerId: 1, button: 0 })) }
  send('pointerdown', from)
  send('pointermove', { x: (from.x + to.x) / 2, y: (from.y + to.y) / 2 })
  send('pointermove', to)
  send('pointerup', to)
}

describe('dragging a mark', () => {
  it('draws a relationship where nesting says what holds what', () => {
    const all = seen(building)
    pointerOver(all)
    drag(place(all, 'room-2-14'), place(all, 'temp-2-07'))
    expect(events.onConnect.mock.lastCall?.slice(0, 3)).toEqual(['room-2-14', 'temp-2-07', 'drop'])
    expect(events.onMove).not.toHaveBeenCalled()
  })

  it('can be dropped anywhere in a room', () => {
    const all = seen(building)
    pointerOver(all)
    const box = all.scene.boxes.find((each) => each.id === 'room-2-09')
    if (!box) throw new Error('no room')
    const rect = rectOf(box, all.frame)
    drag(place(all, 'room-2-14'), { x: rect.x + rect.w - 4, y: rect.y + rect.h - 4 })
    expect(events.onConnect.mock.lastCall?.slice(0, 3)).toEqual(['room-2-14', 'room-2-09', 'drop'])
  })

  it('moves the ground where nothing may be joined', () => {
    const all = seen(building)
    pointerOver(all, false)
    drag(place(all, 'room-2-14'), place(all, 'temp-2-07'))
    expect(events.onConnect).not.toHaveBeenCalled()
    expect(host.pan).toHaveBeenCalled()
  })

  it('moves the mark elsewhere', () => {
    const all = seen(free)
    pointerOver(all)
    const from = place(all, 'room-2-14')
    drag(from, { x: from.x + 30, y: from.y - 20 })
    const [id, x, y] = events.onMove.mock.lastCall ?? []
    expect(id).toBe('room-2-14')
    const node = all.scene.indexOf.get('room-2-14') ?? -1
    expect(x).toBeCloseTo((free.layout.x[node] ?? 0) + 30 / all.frame.u)
    expect(y).toBeCloseTo((free.layout.y[node] ?? 0) - 20 / all.frame.u)
    expect(host.moved).toHaveBeenCalled()
  })
})

it('says that nothing is under the pointer when the picture moved away from it', async () => {
  const all = seen(building)
  const pointer = pointerOver(all)
  const { x, y } = place(all, 'room-2-14')
  element.dispatchEvent(new PointerEvent('pointermove', { clientX: x, clientY: y, pointerId: 1 }))
  await vi.waitFor(() => { expect(events.onHover).toHaveBeenCalledTimes(1) })
  expect(pointer.hand.hovered).toBe('room-2-14')
  pointer.use(all.scene, all.scene)
  expect(pointer.hand.hovered).toBe('room-2-14')
  pointer.use(all.scene, seen(free).scene)
  expect(pointer.hand.hovered).toBeUndefined()
  expect(events.onHover).toHaveBeenLastCalledWith(undefined)
})
