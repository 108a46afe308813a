/** The whole picture in a corner, and the part of it that is seen: drag to go there. */
import type { Frame, Rect } from './camera'
import { groundAt } from './paint/marks'
import { CanvasPen } from './pen'
import type { Scene } from './scene'
import type { State } from './state'
import type { Tokens } from './tokens'

const WIDTH = 168
const HEIGHT = 118
const PAD = 8
const DEEPEST = 2
const MOST_DOTS = 4000
/** A narrower view needs the room itself. */
const LEAST_WIDTH = 560
const SLACK = 2

export class MiniMap {
  readonly #element = document.createElement('canvas')
  readonly #context: CanvasRenderingContext2D | null
  readonly #drawn = document.createElement('canvas')
  readonly #rid = new AbortController()
  #tokens: Tokens | undefined
  #bounds: Rect = { x: 0, y: 0, w: 1, h: 1 }
  #scale = 1
  #left = 0
  #top = 0
  #held = false

  constructor(root: HTMLElement, private readonly go: (x: number, y: number) => void) {
    const pixels = Math.min(2, window.devicePixelRatio || 1)
    for (const canvas of [this.#element, this.#drawn]) {
      canvas.width = WIDTH * pixels
      canvas.height = HEIGHT * pixels
    }
    this.#element.className = 'graph-minimap'
    this.#element.hidden = true
    this.#element.dataset['testid'] = 'graph.minimap'
    this.#element.setAttribute('aria-hidden', 'true')
    this.#context = this.#element.getContext('2d')
    root.append(this.#element)
    this.#listen()
  }

  /** Drawn once for each layout and theme. */
  show(scene: Scene, state: State, tokens: Tokens): void {
    const context = this.#drawn.getContext('2d')
    if (!context) return
    this.#tokens = tokens
    this.#bounds = scene.bounds
    const { x, y, w, h } = scene.bounds
    this.#scale = Math.min((WIDTH - 2 * PAD) / Math.max(1, w), (HEIGHT - 2 * PAD) / Math.max(1, h))
    this.#left = (WIDTH - w * this.#scale) / 2 - x * this.#scale
    this.#top = (HEIGHT - h * this.#scale) / 2 - y * this.#scale
    const pixels = this.#drawn.width / WIDTH
    context.setTransform(pixels, 0, 0, pixels, 0, 0)
    context.clearRect(0, 0, WIDTH, HEIGHT)
    const pen = new CanvasPen(context, tokens.sans)
    for (const index of scene.order) {
      const box = scene.boxes[index]
      if (!box || (box.depth > DEEPEST && box.w * this.#scale < 4)) continue
      const fill = state.tiles[index] ?? groundAt(box.depth, tokens)
      pen.box(box.x * this.#scale + this.#left, box.y * this.#scale + this.#top, box.w * this.#scale, box.h * this.#scale, 2, { fill, stroke: box.depth > 2 ? tokens.deepLine : tokens.outerLine, width: 1 })
    }
    if (scene.nested || scene.nodes.length > MOST_DOTS) return
    scene.nodes.forEach((node, index) => {
      pen.box((scene.x[index] ?? 0) * this.#scale + this.#left - 1, (scene.y[index] ?? 0) * this.#scale + this.#top - 1, 2, 2, 0, { fill: tokens.families[node.look.slot] ?? tokens.text3 })
    })
  }

  /** The part that is seen; nothing when all of it is. */
  look(frame: Frame): void {
    const isOff = frame.w < LEAST_WIDTH || isWhole(this.#bounds, frame)
    if (this.#element.hidden !== isOff) this.#element.hidden = isOff
    if (isOff || !this.#context || !this.#tokens) return
    const context = this.#context
    const pixels = this.#element.width / WIDTH
    context.setTransform(1, 0, 0, 1, 0, 0)
    context.clearRect(0, 0, this.#element.width, this.#element.height)
    context.drawImage(this.#drawn, 0, 0)
    context.setTransform(pixels, 0, 0, pixels, 0, 0)
    const pen = new CanvasPen(context, this.#tokens.sans)
    const [x, y] = [(-frame.left / frame.u) * this.#scale + this.#left, (-frame.top / frame.u) * this.#scale + this.#top]
    const [w, h] = [(frame.w / frame.u) * this.#scale, (frame.h / frame.u) * this.#scale]
    pen.box(x, y, w, h, 3, { fill: this.#tokens.accent, alpha: 0.1 })
    pen.box(x, y, w, h, 3, { stroke: this.#tokens.accent, width: 1.5 })
  }

  destroy(): void {
    this.#rid.abort()
    this.#element.remove()
  }

  #listen(): void {
    const { signal } = this.#rid
    const go = (event: PointerEvent): void => {
      const { left, top } = this.#element.getBoundingClientRect()
      this.go((event.clientX - left - this.#left) / this.#scale, (event.clientY - top - this.#top) / this.#scale)
    }
    const on = (name: 'pointerdown' | 'pointermove' | 'pointerup', listen: (event: PointerEvent) => void): void => {
      this.#element.addEventListener(name, (event) => {
        event.stopPropagation()
        listen(event)
      }, { signal })
    }
    on('pointerdown', (event) => {
      this.#held = true
      this.#element.setPointerCapture(event.pointerId)
      go(event)
    })
    on('pointermove', (event) => { if (this.#held) go(event) })
    on('pointerup', () => { this.#held = false })
  }
}

/** Whether all of the picture is in view. */
export function isWhole({ x, y, w, h }: Rect, { u, left, top, w: wide, h: high }: Frame): boolean {
  return x * u + left >= -SLACK && y * u + top >= -SLACK && (x + w) * u + left <= wide + SLACK && (y + h) * u + top <= high + SLACK
}
