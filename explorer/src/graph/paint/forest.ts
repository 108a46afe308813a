/** What lies below marks where there are no boxes: the lines of a tree, and those of the earth. */
import { type Stage, isDrawn, pointOf } from '../stage'
import type { Step } from '../pen'

const WIDTH = 1.1
const ALPHA = 0.5
const FADED = 0.08
/** Curves cost time: with more lines than this they are straight. */
const MOST_CURVES = 4000
const NICE = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30] as const
const LEAST_APART = 90
const MOST_LINES = 60
const SHARPEST = 0.5

/** One line from each twin to what it hangs on, whatever relationships say so. */
export function paintForest(stage: Stage): void {
  const { pen, scene, state, frame, tokens } = stage
  const { kind, parent } = scene.picture.layout
  if (kind !== 'tree' && kind !== 'radial') return
  const curved = scene.nodes.length <= MOST_CURVES
  const clear: Step[] = []
  const faded: Step[] = []
  for (let node = 0; node < scene.nodes.length; node += 1) {
    const above = parent[node] ?? -1
    if (above < 0 || !isDrawn(stage, node) || !isDrawn(stage, above)) continue
    const a = pointOf(scene, frame, above)
    const b = pointOf(scene, frame, node)
    if (Math.max(a.x, b.x) < 0 || Math.max(a.y, b.y) < 0 || Math.min(a.x, b.x) > frame.w || Math.min(a.y, b.y) > frame.h) continue
    const into = state.bright[node] === 1 && state.bright[above] === 1 ? clear : faded
    into.push({ to: 'move', ...a }, !curved ? { to: 'line', ...b } : kind === 'tree' ? across(a, b) : outwards(a, b, frame.left, frame.top))
  }
  if (faded.length > 0) pen.path(faded, { stroke: tokens.text3, width: WIDTH, alpha: FADED })
  if (clear.length > 0) pen.path(clear, { stroke: tokens.text3, width: WIDTH, alpha: ALPHA })
}

interface Point { readonly x: number; readonly y: number }

function across(a: Point, b: Point): Step {
  const middle = (a.x + b.x) / 2
  return { to: 'curve', x: b.x, y: b.y, ax: middle, ay: a.y, bx: middle, by: b.y }
}

/** From ring to ring about the middle of the picture, which is the origin of its units. */
function outwards(a: Point, b: Point, left: number, top: number): Step {
  const [ra, rb] = [Math.hypot(a.x - left, a.y - top), Math.hypot(b.x - left, b.y - top)]
  const middle = (ra + rb) / 2
  const at = (point: Point, radius: number): Point => ({ x: left + ((point.x - left) / radius) * middle, y: top + ((point.y - top) / radius) * middle })
  // Far around the middle a curve would be a loop.
  const turned = (a.x - left) * (b.x - left) + (a.y - top) * (b.y - top)
  if (ra < 1 || turned < SHARPEST * ra * rb) return { to: 'line', ...b }
  const [first, second] = [at(a, ra), at(b, rb)]
  return { to: 'curve', x: b.x, y: b.y, ax: first.x, ay: first.y, bx: second.x, by: second.y }
}

/** Longitudes and latitudes at round numbers. */
export function paintGraticule({ pen, scene, frame, tokens }: Stage): void {
  const { earth } = scene.picture.layout
  if (!earth) return
  const perDegree = Math.max(1e-9, Math.min(earth.scale.x, earth.scale.y) * frame.u)
  const step = NICE.find((each) => each * perDegree >= LEAST_APART) ?? 30
  const longitude = (px: number): number => earth.west + (px - frame.left) / frame.u / earth.scale.x
  const latitude = (py: number): number => earth.north - (py - frame.top) / frame.u / earth.scale.y
  const digits = Math.max(0, -Math.floor(Math.log10(step)))
  const ink = { stroke: tokens.border, width: 1 }
  const name = { size: 11, weight: 400, colour: tokens.text3 }
  const [west, south] = [Math.ceil(longitude(0) / step), Math.ceil(latitude(frame.h) / step)]
  for (let index = 0; index < MOST_LINES && (west + index) * step <= longitude(frame.w); index += 1) {
    const x = Math.round(((west + index) * step - earth.west) * earth.scale.x * frame.u + frame.left) + 0.5
    pen.path([{ to: 'move', x, y: 0 }, { to: 'line', x, y: frame.h }], ink)
    pen.text(`${((west + index) * step).toFixed(digits)}°`, x + 4, frame.h - 10, name)
  }
  for (let index = 0; index < MOST_LINES && (south + index) * step <= latitude(0); index += 1) {
    const y = Math.round((earth.north - (south + index) * step) * earth.scale.y * frame.u + frame.top) + 0.5
    pen.path([{ to: 'move', x: 0, y }, { to: 'line', x: frame.w, y }], ink)
    pen.text(`${((south + index) * step).toFixed(digits)}°`, 6, y - 8, name)
  }
}
