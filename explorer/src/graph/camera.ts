/** Where one looks: from units of the layout to pixels, and how the look moves. */
import type { Camera } from './types'

export interface Size { readonly w: number; readonly h: number }
export interface Rect { readonly x: number; readonly y: number; readonly w: number; readonly h: number }

/** What a frame is drawn with: pixels are `x * u + left`, `y * u + top`. */
export interface Frame {
  readonly u: number
  readonly left: number
  readonly top: number
  readonly w: number
  readonly h: number
  readonly ratio: number
  /** Pixels per unit when all of it fits. */
  readonly fitU: number
}

/** Floating controls lie in these margins. */
export const MARGIN_X = 24
export const MARGIN_Y = 64
const NARROW = 480
export const LEAST_RATIO = 0.004
export const MOST_RATIO = 4
const MOST_FIT_U = 60
const GLIDE_MS = 350

export function fitOf(bounds: Rect, size: Size): number {
  const marginX = size.w < NARROW ? MARGIN_X / 2 : MARGIN_X
  const w = Math.max(40, size.w - 2 * marginX)
  const h = Math.max(40, size.h - 2 * MARGIN_Y)
  return Math.min(MOST_FIT_U, w / Math.max(1, bounds.w), h / Math.max(1, bounds.h))
}

export function homeCamera(bounds: Rect): Camera { return { x: bounds.x + bounds.w / 2, y: bounds.y + bounds.h / 2, ratio: 1 } }

export function frameOf(camera: Camera, bounds: Rect, size: Size): Frame {
  const fitU = fitOf(bounds, size)
  const u = fitU / camera.ratio
  return { u, fitU, ratio: camera.ratio, left: size.w / 2 - camera.x * u, top: size.h / 2 - camera.y * u, w: size.w, h: size.h }
}

/** The camera that keeps the place under the pointer there while it comes nearer by `factor`. */
export function zoomedAt(camera: Camera, frame: Frame, px: number, py: number, factor: number): Camera {
  const ratio = Math.max(LEAST_RATIO, Math.min(MOST_RATIO, camera.ratio / factor))
  const u = frame.fitU / ratio
  const x = (px - frame.left) / frame.u
  const y = (py - frame.top) / frame.u
  return { x: x - (px - frame.w / 2) / u, y: y - (py - frame.h / 2) / u, ratio }
}

/** The camera that shows a rectangle, not nearer than `mostU` pixels per unit. */
export function cameraFor(rect: Rect, frame: Frame, mostU: number): Camera {
  const wide = Math.max(40, frame.w - 2 * MARGIN_X)
  const high = Math.max(40, frame.h - 2 * MARGIN_Y)
  const u = Math.min(mostU, wide / Math.max(0.1, rect.w), high / Math.max(0.1, rect.h))
  return { x: rect.x + rect.w / 2, y: rect.y + rect.h / 2, ratio: Math.max(LEAST_RATIO, Math.min(MOST_RATIO, frame.fitU / u)) }
}

function eased(share: number): number { return share < 0.5 ? 4 * share ** 3 : 1 - (-2 * share + 2) ** 3 / 2 }

/** A change that takes 350 ms, told by its share 0..1; the last call is 1. */
export class Glide {
  #frame = 0

  start(each: (share: number) => void, ended?: () => void): void {
    this.stop()
    const begun = performance.now()
    const step = (): void => {
      const share = Math.min(1, (performance.now() - begun) / GLIDE_MS)
      this.#frame = share < 1 ? requestAnimationFrame(step) : 0
      each(eased(share))
      if (share >= 1) ended?.()
    }
    this.#frame = requestAnimationFrame(step)
  }

  get moving(): boolean { return this.#frame !== 0 }

  stop(): void {
    cancelAnimationFrame(this.#frame)
    this.#frame = 0
  }
}

export function between(from: Camera, to: Camera, share: number): Camera {
  // Zoom is even to the eye where the ratio changes by factors; the centre follows the zoom so that the goal does not sway.
  const ratio = from.ratio * (to.ratio / from.ratio) ** share
  const way = Math.abs(to.ratio - from.ratio) < 1e-9 ? share : (ratio - from.ratio) / (to.ratio - from.ratio)
  return { x: from.x + (to.x - from.x) * way, y: from.y + (to.y - from.y) * way, ratio }
}
