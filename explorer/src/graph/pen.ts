/** What the painter draws with: a canvas for the screen and PNG, a writer for SVG. */
import type { Shape } from '@/ui/mark'

export interface Ink {
  readonly fill?: string
  readonly stroke?: string
  readonly width?: number
  readonly dash?: readonly number[]
  readonly alpha?: number
}

/** A step of a path: move, line, or a corner rounded by the radius (as `arcTo`). */
export type Step =
  | { readonly to: 'move' | 'line'; readonly x: number; readonly y: number }
  | { readonly to: 'corner'; readonly x: number; readonly y: number; readonly nextX: number; readonly nextY: number; readonly radius: number }
  | { readonly to: 'curve'; readonly x: number; readonly y: number; readonly ax: number; readonly ay: number; readonly bx: number; readonly by: number }
  | { readonly to: 'close' }

export interface Lettering {
  readonly size: number
  readonly weight: number
  readonly colour: string
  readonly alpha?: number
  readonly align?: 'left' | 'center' | 'right'
}

export interface Pen {
  /** Rounded rectangle whose line lies on whole pixels. */
  box: (x: number, y: number, w: number, h: number, radius: number, ink: Ink) => void
  circle: (x: number, y: number, radius: number, ink: Ink) => void
  path: (steps: readonly Step[], ink: Ink) => void
  /** Centred on `y`. */
  text: (text: string, x: number, y: number, lettering: Lettering) => void
}

const INNER = 0.35

/** Outline of a mark about a centre: what the shape program draws on WebGL. */
export function markSteps(shape: Shape, x: number, y: number, r: number): readonly Step[] {
  if (shape === 'triangle') {
    const h = r * 0.78
    return [{ to: 'move', x, y: y - h }, { to: 'line', x: x + h * 0.95, y: y + h * 0.72 }, { to: 'line', x: x - h * 0.95, y: y + h * 0.72 }, { to: 'close' }]
  }
  return [{ to: 'move', x, y: y - r }, { to: 'line', x: x + r, y }, { to: 'line', x, y: y + r }, { to: 'line', x: x - r, y }, { to: 'close' }]
}

/** Draw a mark with a pen. `hole` is drawn in the colour of the ground. */
export function drawMark(pen: Pen, shape: Shape, hole: boolean, x: number, y: number, r: number, ink: Ink, ground: string): void {
  if (shape === 'circle') pen.circle(x, y, r, ink)
  else if (shape === 'square') pen.box(x - r, y - r, 2 * r, 2 * r, r * 0.28, ink)
  else pen.path(markSteps(shape, x, y, r), ink)
  if (hole) pen.circle(x, y + (shape === 'triangle' ? r * 0.12 : 0), r * INNER, { fill: ground, ...(ink.alpha === undefined ? {} : { alpha: ink.alpha }) })
}

export class CanvasPen implements Pen {
  #font = ''

  constructor(readonly context: CanvasRenderingContext2D, private readonly sans: string) {
    context.textBaseline = 'middle'
    context.lineJoin = 'round'
  }

  box(x: number, y: number, w: number, h: number, radius: number, ink: Ink): void {
    const half = ((ink.width ?? 1) / 2) % 1
    const left = Math.round(x) + half
    const top = Math.round(y) + half
    const width = Math.max(1, Math.round(x + w) - Math.round(x))
    const height = Math.max(1, Math.round(y + h) - Math.round(y))
    const { context } = this
    if (radius < 1.5 || Math.min(width, height) < 6) {
      this.#apply(ink)
      if (ink.fill !== undefined) context.fillRect(left - half, top - half, width, height)
      if (ink.stroke !== undefined) context.strokeRect(left, top, width, height)
      this.#restore(ink)
      return
    }
    context.beginPath()
    context.roundRect(left, top, width, height, Math.min(radius, width / 2, height / 2))
    this.#paint(ink)
  }

  circle(x: number, y: number, radius: number, ink: Ink): void {
    this.context.beginPath()
    this.context.arc(x, y, Math.max(0, radius), 0, 2 * Math.PI)
    this.#paint(ink)
  }

  path(steps: readonly Step[], ink: Ink): void {
    const { context } = this
    context.beginPath()
    for (const step of steps) {
      if (step.to === 'move') context.moveTo(step.x, step.y)
      else if (step.to === 'line') context.lineTo(step.x, step.y)
      else if (step.to === 'corner') context.arcTo(step.x, step.y, step.nextX, step.nextY, step.radius)
      else if (step.to === 'curve') context.bezierCurveTo(step.ax, step.ay, step.bx, step.by, step.x, step.y)
      else context.closePath()
    }
    this.#paint(ink)
  }

  text(text: string, x: number, y: number, lettering: Lettering): void {
    const { context } = this
    const font = `${lettering.weight} ${lettering.size.toFixed(2)}px ${this.sans}`
    if (font !== this.#font) {
      context.font = font
      this.#font = font
    }
    const align = lettering.align ?? 'left'
    if (context.textAlign !== align) context.textAlign = align
    if (lettering.alpha !== undefined) context.globalAlpha = lettering.alpha
    context.fillStyle = lettering.colour
    context.fillText(text, x, y)
    if (lettering.alpha !== undefined) context.globalAlpha = 1
  }

  #apply(ink: Ink): void {
    const { context } = this
    if (ink.alpha !== undefined) context.globalAlpha = ink.alpha
    if (ink.fill !== undefined) context.fillStyle = ink.fill
    if (ink.stroke !== undefined) {
      context.strokeStyle = ink.stroke
      context.lineWidth = ink.width ?? 1
    }
    if (ink.dash) context.setLineDash([...ink.dash])
  }

  #restore(ink: Ink): void {
    if (ink.alpha !== undefined) this.context.globalAlpha = 1
    if (ink.dash) this.context.setLineDash([])
  }

  #paint(ink: Ink): void {
    this.#apply(ink)
    if (ink.fill !== undefined) this.context.fill()
    if (ink.stroke !== undefined) this.context.stroke()
    this.#restore(ink)
  }
}
