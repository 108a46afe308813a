/** The picture as SVG: the same painter with another pen. */
import { type Frame, fitOf, frameOf, homeCamera, type Rect } from './camera'
import { type Parts, paintWhole, stageOf } from './painter'
import type { Ink, Lettering, Pen, Step } from './pen'

/** More marks than this make a file that no program opens with ease. */
export const MOST_SVG_MARKS = 5000
const LEAST_U = 14.6
const MARGIN = 24

function number(value: number): string { return String(Math.round(value * 100) / 100) }

function escaped(text: string): string {
  // Control characters cannot be written in XML at all.
  return text.replaceAll(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f]/gu, '').replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')
}

function inked({ fill, stroke, width, dash, alpha }: Ink): string {
  const parts = [`fill="${fill === undefined ? 'none' : escaped(fill)}"`]
  if (stroke !== undefined) parts.push(`stroke="${escaped(stroke)}"`, `stroke-width="${number(width ?? 1)}"`)
  if (dash) parts.push(`stroke-dasharray="${dash.map(number).join(' ')}"`)
  if (alpha !== undefined) parts.push(`opacity="${number(alpha)}"`)
  return parts.join(' ')
}

/** Where a rounded corner begins and ends, as `arcTo` of a canvas finds it. */
function corner(from: { readonly x: number; readonly y: number }, step: Extract<Step, { to: 'corner' }>): string {
  const before = Math.hypot(step.x - from.x, step.y - from.y) || 1
  const after = Math.hypot(step.nextX - step.x, step.nextY - step.y) || 1
  const cut = Math.min(step.radius, before, after)
  const [ax, ay] = [step.x + ((from.x - step.x) / before) * cut, step.y + ((from.y - step.y) / before) * cut]
  const [bx, by] = [step.x + ((step.nextX - step.x) / after) * cut, step.y + ((step.nextY - step.y) / after) * cut]
  return `L${number(ax)} ${number(ay)}Q${number(step.x)} ${number(step.y)} ${number(bx)} ${number(by)}`
}

export class SvgPen implements Pen {
  readonly #parts: string[] = []

  box(x: number, y: number, w: number, h: number, radius: number, ink: Ink): void {
    this.#parts.push(`<rect x="${number(x)}" y="${number(y)}" width="${number(Math.max(0, w))}" height="${number(Math.max(0, h))}" rx="${number(Math.max(0, radius))}" ${inked(ink)}/>`)
  }

  circle(x: number, y: number, radius: number, ink: Ink): void {
    this.#parts.push(`<circle cx="${number(x)}" cy="${number(y)}" r="${number(Math.max(0, radius))}" ${inked(ink)}/>`)
  }

  path(steps: readonly Step[], ink: Ink): void {
    let at = { x: 0, y: 0 }
    const d = steps.map((step) => {
      if (step.to === 'close') return 'Z'
      const from = at
      at = step
      if (step.to === 'curve') return `C${[step.ax, step.ay, step.bx, step.by, step.x, step.y].map(number).join(' ')}`
      return step.to === 'corner' ? corner(from, step) : `${step.to === 'move' ? 'M' : 'L'}${number(step.x)} ${number(step.y)}`
    }).join('')
    this.#parts.push(`<path d="${d}" ${inked(ink)}/>`)
  }

  text(text: string, x: number, y: number, { size, weight, colour, align, alpha }: Lettering): void {
    const anchor = align === 'center' ? ' text-anchor="middle"' : align === 'right' ? ' text-anchor="end"' : ''
    const opacity = alpha === undefined ? '' : ` opacity="${number(alpha)}"`
    this.#parts.push(`<text x="${number(x)}" y="${number(y + size * 0.36)}" font-size="${number(size)}" font-weight="${weight}" fill="${escaped(colour)}"${anchor}${opacity}>${escaped(text)}</text>`)
  }

  /** The whole document. */
  document(w: number, h: number, ground: string, sans: string): string {
    const open = `<svg xmlns="http://www.w3.org/2000/svg" width="${number(w)}" height="${number(h)}" viewBox="0 0 ${number(w)} ${number(h)}" font-family="${escaped(sans.replaceAll('"', "'"))}">`
    return [open, `<rect width="100%" height="100%" fill="${escaped(ground)}"/>`, ...this.#parts, '</svg>', ''].join('\n')
  }
}

/** A frame that shows all of it, large enough to read. */
export function wholeFrame(bounds: Rect, size: { readonly w: number; readonly h: number }): Frame {
  const u = Math.max(LEAST_U, fitOf(bounds, size))
  const [w, h] = [bounds.w * u + 2 * MARGIN, bounds.h * u + 2 * MARGIN]
  const frame = frameOf(homeCamera(bounds), bounds, { w, h })
  return { ...frame, u, fitU: u, ratio: 1, left: MARGIN - bounds.x * u, top: MARGIN - bounds.y * u, w, h }
}

/** Write the whole picture, wherever one looks now. */
export function toSvg(parts: Parts): string {
  if (parts.scene.nodes.length > MOST_SVG_MARKS) throw new RangeError(`${parts.scene.nodes.length} > ${MOST_SVG_MARKS}`)
  const frame = wholeFrame(parts.scene.bounds, parts.frame)
  const pen = new SvgPen()
  paintWhole(stageOf(pen, { ...parts, frame }))
  return pen.document(frame.w, frame.h, parts.tokens.canvas, parts.tokens.sans)
}
