/** Pointers, wheel and pinch over the picture, told as what they mean. */

export interface Place { readonly x: number; readonly y: number }
export interface Press extends Place { readonly shift: boolean; readonly alt: boolean }

/** What a drag does, by where it began. */
export type Grip =
  | { readonly kind: 'pan' }
  | { readonly kind: 'lasso' }
  | { readonly kind: 'move' | 'connect'; readonly id: string }

export interface InputHost {
  /** What a drag that begins here would do. */
  readonly grip: (press: Press) => Grip
  readonly pan: (dx: number, dy: number) => void
  readonly zoom: (at: Place, factor: number) => void
  /** A drag that is not a pan: its way so far; the last call says whether it was ended or given up. */
  readonly drag: (grip: Grip, way: readonly Place[], state: 'on' | 'end' | 'cancel') => void
  readonly click: (press: Press) => void
  readonly doubleClick: (press: Press) => void
  readonly menu: (press: Press) => void
  readonly hover: (press: Press | undefined) => void
}

const DRAG_FROM = 4
const DOUBLE_MS = 350
const DOUBLE_NEAR = 6
const WHEEL_STEP = 0.0016
const PINCH_STEP = 0.01
const LINE_PX = 18
const MOST_WHEEL = 240

interface Held { readonly press: Press; readonly grip: Grip; way: Place[]; dragging: boolean }

export class Input {
  readonly #pointers = new Map<number, Place>()
  readonly #rid = new AbortController()
  #held: Held | undefined
  #pinched = false
  #lastClick: (Place & { readonly time: number }) | undefined
  #hovering = 0

  constructor(private readonly element: HTMLElement, private readonly host: InputHost) {
    const { signal } = this.#rid
    const on = <Name extends keyof HTMLElementEventMap>(name: Name, listen: (event: HTMLElementEventMap[Name]) => void): void => {
      element.addEventListener(name, listen, { signal, passive: false })
    }
    on('pointerdown', (event) => { this.#down(event) })
    on('pointermove', (event) => { this.#move(event) })
    on('pointerup', (event) => { this.#up(event) })
    on('pointercancel', (event) => { this.#leave(event) })
    on('pointerleave', () => {
      cancelAnimationFrame(this.#hovering)
      this.host.hover(undefined)
    })
    on('wheel', (event) => { this.#wheel(event) })
    on('contextmenu', (event) => {
      event.preventDefault()
      this.host.menu(this.#press(event))
    })
    window.addEventListener('keydown', (event) => {
      if (event.key === 'Escape' && this.#held?.dragging === true) {
        event.stopPropagation()
        this.#cancel()
      }
    }, { signal, capture: true })
  }

  destroy(): void {
    cancelAnimationFrame(this.#hovering)
    this.#rid.abort()
  }

  #press(event: MouseEvent): Press {
    const { left, top } = this.element.getBoundingClientRect()
    return { x: event.clientX - left, y: event.clientY - top, shift: event.shiftKey, alt: event.altKey }
  }

  #down(event: PointerEvent): void {
    if (event.button !== 0) return
    const press = this.#press(event)
    this.#pointers.set(event.pointerId, press)
    this.element.setPointerCapture(event.pointerId)
    if (this.#pointers.size > 1) {
      this.#cancel()
      this.#pinched = true
      return
    }
    this.#pinched = false
    this.#held = { press, grip: this.host.grip(press), way: [press], dragging: false }
  }

  #move(event: PointerEvent): void {
    const press = this.#press(event)
    const before = this.#pointers.get(event.pointerId)
    if (!before) {
      // Finding what is under the pointer once a frame is enough.
      cancelAnimationFrame(this.#hovering)
      this.#hovering = requestAnimationFrame(() => { this.host.hover(press) })
      return
    }
    if (this.#pointers.size === 2) this.#pinch(event.pointerId, before, press)
    this.#pointers.set(event.pointerId, press)
    const held = this.#held
    if (!held) return
    if (!held.dragging && Math.hypot(press.x - held.press.x, press.y - held.press.y) < DRAG_FROM) return
    if (!held.dragging) this.host.hover(undefined)
    held.dragging = true
    held.way.push(press)
    if (held.grip.kind === 'pan') {
      const last = held.way.at(-2) ?? press
      held.way = [press]
      this.host.pan(press.x - last.x, press.y - last.y)
    } else this.host.drag(held.grip, held.way, 'on')
  }

  #pinch(moved: number, before: Place, now: Place): void {
    const other = [...this.#pointers].find(([id]) => id !== moved)?.[1]
    if (!other) return
    const was = Math.hypot(before.x - other.x, before.y - other.y)
    const is = Math.hypot(now.x - other.x, now.y - other.y)
    this.host.pan((now.x - before.x) / 2, (now.y - before.y) / 2)
    if (was > 1 && is > 1) this.host.zoom({ x: (now.x + other.x) / 2, y: (now.y + other.y) / 2 }, is / was)
  }

  #up(event: PointerEvent): void {
    if (!this.#pointers.delete(event.pointerId)) return
    const held = this.#held
    this.#held = undefined
    if (!held || this.#pinched) return
    const press = this.#press(event)
    if (held.dragging) {
      if (held.grip.kind !== 'pan') this.host.drag(held.grip, held.way, 'end')
      return
    }
    this.host.click(press)
    const last = this.#lastClick
    const again = last && event.timeStamp - last.time < DOUBLE_MS && Math.hypot(press.x - last.x, press.y - last.y) < DOUBLE_NEAR
    this.#lastClick = again ? undefined : { x: press.x, y: press.y, time: event.timeStamp }
    if (again) this.host.doubleClick(press)
  }

  #leave(event: PointerEvent): void {
    this.#pointers.delete(event.pointerId)
    this.#cancel()
  }

  #cancel(): void {
    const held = this.#held
    this.#held = undefined
    if (held?.dragging === true && held.grip.kind !== 'pan') this.host.drag(held.grip, held.way, 'cancel')
  }

  #wheel(event: WheelEvent): void {
    event.preventDefault()
    const lines = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? LINE_PX : 1
    const delta = Math.max(-MOST_WHEEL, Math.min(MOST_WHEEL, event.deltaY * lines))
    this.host.zoom(this.#press(event), Math.exp(-delta * (event.ctrlKey ? PINCH_STEP : WHEEL_STEP)))
  }
}
