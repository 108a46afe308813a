/** What is seen, as PNG, with the legend below it. */
import type { Look } from '@/ui/mark'
import { type Parts, paintWhole, stageOf } from './painter'
import { CanvasPen, drawMark } from './pen'

const LEGEND_HEIGHT = 44
const LEGEND_SIZE = 13
const LEGEND_LEFT = 24
const LEGEND_GAP = 24
const MOST_SCALE = 4
/** Browsers refuse larger canvases. */
const MOST_SIDE = 8192

interface Options { readonly scale: number; readonly legend: readonly { readonly text: string; readonly look: Look }[] }

export function toPng(parts: Parts, options: Options): Promise<Blob> {
  const { frame, tokens } = parts
  const high = frame.h + (options.legend.length > 0 ? LEGEND_HEIGHT : 0)
  const scale = Math.max(0.5, Math.min(MOST_SCALE, options.scale, MOST_SIDE / Math.max(frame.w, high)))
  const canvas = document.createElement('canvas')
  canvas.width = Math.round(frame.w * scale)
  canvas.height = Math.round(high * scale)
  const context = canvas.getContext('2d')
  if (!context) return Promise.reject(new Error('no 2D canvas'))
  context.scale(scale, scale)
  const pen = new CanvasPen(context, tokens.sans)
  context.fillStyle = tokens.canvas
  context.fillRect(0, 0, frame.w, high)
  paintWhole(stageOf(pen, parts))
  if (options.legend.length > 0) paintLegend(pen, parts, options)
  return new Promise((resolve, reject) => {
    canvas.toBlob((blob) => {
      if (blob) resolve(blob)
      else reject(new Error('the picture is too large'))
    }, 'image/png')
  })
}

function paintLegend(pen: CanvasPen, { frame, tokens, widths }: Parts, { legend }: Options): void {
  pen.box(0, frame.h, frame.w, LEGEND_HEIGHT, 0, { fill: tokens.surface })
  const y = frame.h + LEGEND_HEIGHT / 2
  let x = LEGEND_LEFT
  for (const { text, look } of legend) {
    drawMark(pen, look.shape, look.hole, x, y, 5, { fill: tokens.families[look.slot] ?? tokens.text3 }, tokens.surface)
    pen.text(text, x + 12, y, { size: LEGEND_SIZE, weight: 400, colour: tokens.text })
    x += 12 + widths(400)(text) * LEGEND_SIZE + LEGEND_GAP
  }
}
