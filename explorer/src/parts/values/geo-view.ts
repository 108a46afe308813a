/** What part of the plane a small drawing shows, and its lines of latitude and longitude. Pure. */
import type { Line } from './geo'

export interface GeoView {
  readonly width: number
  readonly height: number
  readonly x: (longitude: number) => number
  readonly y: (latitude: number) => number
  readonly xAt: (pixel: number) => number
  readonly yAt: (pixel: number) => number
}

const WIDTH = 328
const HEIGHT = 180
const PAD = 28
const SMALLEST = 1e-6
const MOST_LINES = 5

/** Show all vertices with some room around them, one scale for both axes. */
export function viewOf(lines: readonly Line[]): GeoView {
  const all = lines.flatMap((line) => line.vertices).filter((each) => Number.isFinite(each.x) && Number.isFinite(each.y))
  const xs = all.length > 0 ? all.map((each) => each.x) : [0]
  const ys = all.length > 0 ? all.map((each) => each.y) : [0]
  const [west, east, south, north] = [min(xs), max(xs), min(ys), max(ys)]
  const alone = east - west < SMALLEST && north - south < SMALLEST
  const scale = alone ? (WIDTH - 2 * PAD) / 2 : Math.min((WIDTH - 2 * PAD) / Math.max(east - west, SMALLEST), (HEIGHT - 2 * PAD) / Math.max(north - south, SMALLEST))
  const [middleX, middleY] = [(west + east) / 2, (south + north) / 2]
  // A pixel's worth of digits: a drag makes no number longer than it can mean.
  const digits = Math.max(0, Math.min(12, Math.ceil(Math.log10(scale)) + 1))
  const rounded = (value: number): number => Number(value.toFixed(digits))
  return {
    width: WIDTH, height: HEIGHT,
    x: (longitude) => WIDTH / 2 + (longitude - middleX) * scale,
    y: (latitude) => HEIGHT / 2 - (latitude - middleY) * scale,
    xAt: (pixel) => rounded(middleX + (pixel - WIDTH / 2) / scale),
    yAt: (pixel) => rounded(middleY - (pixel - HEIGHT / 2) / scale),
  }
}

function min(values: readonly number[]): number { return values.reduce((one, other) => Math.min(one, other), Infinity) }
function max(values: readonly number[]): number { return values.reduce((one, other) => Math.max(one, other), -Infinity) }

interface GridLine { readonly at: number; readonly text: string }

function steps(from: number, to: number): readonly number[] {
  const span = Math.max(to - from, SMALLEST)
  const rough = span / MOST_LINES
  const power = 10 ** Math.floor(Math.log10(rough))
  const step = ([1, 2, 5, 10].find((each) => each * power >= rough) ?? 10) * power
  const first = Math.ceil(from / step) * step
  return Array.from({ length: Math.max(0, Math.floor((to - first) / step) + 1) }, (_each, index) => Number((first + index * step).toPrecision(12)))
}

export function graticule(view: GeoView): { readonly xs: readonly GridLine[]; readonly ys: readonly GridLine[] } {
  return {
    xs: steps(view.xAt(0), view.xAt(view.width)).map((each) => ({ at: view.x(each), text: String(each) })),
    ys: steps(view.yAt(view.height), view.yAt(0)).map((each) => ({ at: view.y(each), text: String(each) })),
  }
}
