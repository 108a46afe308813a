/** All that one frame is painted from. */
import type { Frame } from './camera'
import { type Detail, flatRadius, growth, radiusAtFit } from './lod'
import type { Pen } from './pen'
import type { Scene, SceneBox } from './scene'
import type { Measure } from './shorten'
import type { State } from './state'
import type { Tokens } from './tokens'

export interface Stage {
  readonly pen: Pen
  readonly scene: Scene
  readonly state: State
  readonly frame: Frame
  readonly detail: Detail
  readonly tokens: Tokens
  /** Width of a text of one pixel's size, by weight. */
  readonly widths: (weight: number) => Measure
}

export interface PixelRect { readonly x: number; readonly y: number; readonly w: number; readonly h: number }

export function rectOf(box: SceneBox, frame: Frame): PixelRect {
  return { x: box.x * frame.u + frame.left, y: box.y * frame.u + frame.top, w: box.w * frame.u, h: box.h * frame.u }
}

export function isInView(rect: PixelRect, frame: Frame): boolean {
  return rect.x < frame.w && rect.y < frame.h && rect.x + rect.w > 0 && rect.y + rect.h > 0
}

/** Radius of a twin's mark in pixels. */
export function radiusOf(scene: Scene, frame: Frame, node: number): number {
  return fitRadiusOf(scene, frame.fitU, node) * growth(frame.u, frame.fitU)
}

/** The same when all of the picture fits. */
export function fitRadiusOf(scene: Scene, fitU: number, node: number): number {
  const shape = scene.nodes[node]?.look.shape ?? 'circle'
  if (!scene.nested) return flatRadius(fitU, shape, scene.children[node] ?? 0)
  return radiusAtFit(fitU, shape, scene.boxes[scene.own[node] ?? -1]?.depth)
}

export function pointOf(scene: Scene, frame: Frame, node: number): { readonly x: number; readonly y: number } {
  return { x: (scene.x[node] ?? 0) * frame.u + frame.left, y: (scene.y[node] ?? 0) * frame.u + frame.top }
}

/** Whether a mark is drawn by itself, and not only as a part of a bar. */
export function isDrawn({ scene, state, detail }: Pick<Stage, 'scene' | 'state' | 'detail'>, node: number): boolean {
  return state.shown[node] === 1 && (scene.depth[node] ?? 0) <= detail.depth && scene.boxes[scene.home[node] ?? -1]?.collapsed !== true
}
