/** The canvases that lie on one another: boxes, WebGL, titles, and what moves. */
import './graph.css'
import { type Measure, Widths } from './shorten'

const MOST_PIXELS = 2
const UNSEEN = 'rgb(0 0 0 / 1%)'

/** Whether there is a graphics card: known once WebGL has started, and then for all pictures of the page. */
let hasCard: boolean | undefined

function contextOf(): CanvasRenderingContext2D {
  const canvas = document.createElement('canvas')
  canvas.className = 'graph-layer'
  // Without a card canvases are faster on the processor, and before one is known too: nothing is waited for that has to start first.
  const context = canvas.getContext('2d', { willReadFrequently: hasCard !== true })
  if (!context) throw new Error('no 2D canvas')
  return context
}

export class Surface {
  readonly root: HTMLDivElement
  readonly gl: HTMLDivElement
  under: CanvasRenderingContext2D
  over: CanvasRenderingContext2D
  air: CanvasRenderingContext2D
  readonly #watch: ResizeObserver
  #isForCard = hasCard === true
  #widths = new Map<number, Widths>()
  #w = 0
  #h = 0

  constructor(container: HTMLElement, private readonly onSize: () => void) {
    this.root = document.createElement('div')
    this.root.className = 'graph-view'
    this.under = this.#canvas()
    this.gl = document.createElement('div')
    this.gl.className = 'graph-layer'
    this.root.append(this.gl)
    this.over = this.#canvas()
    this.air = this.#canvas()
    container.append(this.root)
    this.#fit()
    this.#watch = new ResizeObserver(() => { if (this.#fit()) this.onSize() })
    this.#watch.observe(this.root)
  }

  get size(): { readonly w: number; readonly h: number } { return { w: this.#w, h: this.#h } }

  /** Width of a text of one pixel's size, by weight. */
  widths(sans: string): (weight: number) => Measure {
    return (weight) => {
      let found = this.#widths.get(weight)
      if (!found) {
        const probe = document.createElement('canvas').getContext('2d')
        if (probe) probe.font = `${weight} 100px ${sans}`
        found = new Widths((text) => (probe?.measureText(text).width ?? 60 * text.length) / 100)
        this.#widths.set(weight, found)
      }
      return found.measure
    }
  }

  /** It is known now who draws. */
  know(isSoftware: boolean): void {
    hasCard = !isSoftware
    if (hasCard && !this.#isForCard) {
      this.#isForCard = true
      this.under = this.#replaced(this.under)
      this.over = this.#replaced(this.over)
      this.air = this.#replaced(this.air)
      this.#w = 0
    }
    this.#fit()
  }

  /** Fonts have come: letters have other widths. */
  forgetWidths(): void { this.#widths = new Map() }

  /** Empty a canvas, and let its unit be a pixel of the page. */
  clear(context: CanvasRenderingContext2D): void {
    const pixels = context.canvas.width / Math.max(1, this.#w)
    context.setTransform(1, 0, 0, 1, 0, 0)
    context.clearRect(0, 0, context.canvas.width, context.canvas.height)
    context.setTransform(pixels, 0, 0, pixels, 0, 0)
    // A canvas on which nothing is drawn after it was emptied may go on showing its last picture (Chromium, software GL).
    context.fillStyle = UNSEEN
    context.fillRect(0, 0, 1, 1)
  }

  destroy(): void {
    this.#watch.disconnect()
    this.root.remove()
  }

  #canvas(): CanvasRenderingContext2D {
    const context = contextOf()
    this.root.append(context.canvas)
    return context
  }

  #replaced(old: CanvasRenderingContext2D): CanvasRenderingContext2D {
    const context = contextOf()
    old.canvas.replaceWith(context.canvas)
    return context
  }

  #fit(): boolean {
    const [w, h] = [this.root.clientWidth, this.root.clientHeight]
    const pixels = Math.min(hasCard === false ? 1 : MOST_PIXELS, window.devicePixelRatio || 1)
    const [wide, high] = [Math.max(1, Math.round(w * pixels)), Math.max(1, Math.round(h * pixels))]
    if (w === this.#w && h === this.#h && this.under.canvas.width === wide) return false
    this.#w = w
    this.#h = h
    for (const { canvas } of [this.under, this.over, this.air]) {
      canvas.width = wide
      canvas.height = high
    }
    return true
  }
}
