/** The picture of the graph: what is shown of it, from where, and what the pointer does to it. */
import { type Rect, Glide, between, cameraFor, fitOf, frameOf, homeCamera, zoomedAt } from './camera'
import type { Frame } from './camera'
import { Drive } from './drive'
import { toPng } from './png'
import { NAMES_ABOVE, titleSize } from './lod'
import { MiniMap } from './minimap'
import { Motion } from './motion'
import { NO_PICTURE } from './nothing'
import { paintGhosts, paintHand, paintPulses } from './paint/rings'
import { paintMarks } from './paint/marks'
import { paintLines, paintNear } from './paint/lines'
import { type Parts, paintOver, paintUnder, stageOf } from './painter'
import { CanvasPen } from './pen'
import { Pointer } from './pointer'
import { type Scene, extentOf, sceneOf } from './scene'
import { type Stage, pointOf } from './stage'
import { NO_LOOKS, type State, stateOf } from './state'
import { Surface } from './surface'
import { toSvg } from './svg'
import { type Tokens, readTokens } from './tokens'
import type { Camera, GraphView, GraphViewOptions, Looks, Picture } from './types'

const MIDDLE = 0.7
const NEAR_MARK_U = 52
const MOST_BOX_U = 50
/** Units about a mark that one sees along with it. */
const AROUND = 4
const GLIDING_LINES = 0.2
const PAST_LINE = 2
/** More marks than this wait for WebGL instead of being painted before it. */
const FIRST_MARKS = 3000

export function createGraphView(options: GraphViewOptions): GraphView { return new View(options) }

class View implements GraphView {
  readonly #surface: Surface
  readonly #drive: Drive
  readonly #pointer: Pointer
  readonly #miniMap: MiniMap
  readonly #motion: Motion
  readonly #glide = new Glide()
  #tokens: Tokens
  #scene: Scene = sceneOf(NO_PICTURE)
  #state: State
  #looks: Looks = NO_LOOKS
  #camera: Camera = { x: 0, y: 0, ratio: 1 }
  #fitU = 1
  /** Somebody said where to look. */
  #isPlaced = false
  #painting = 0

  constructor(private readonly options: GraphViewOptions) {
    this.#surface = new Surface(options.container, () => { this.#resized() })
    this.#tokens = readTokens(this.#surface.root)
    this.#state = stateOf(this.#scene, NO_LOOKS, this.#tokens)
    this.#drive = new Drive(this.#surface.gl, () => this.#parts(), () => { this.#paint() }, options.events.onLost, (isSoftware) => { this.#surface.know(isSoftware) })
    this.#motion = new Motion(options.still, () => { this.#paintAir() })
    this.#miniMap = new MiniMap(this.#surface.root, (x, y) => { this.#look({ ...this.#camera, x, y }) })
    this.#pointer = new Pointer(this.#surface.root, options, {
      scene: () => this.#scene, state: () => this.#state, frame: () => this.#frame,
      pan: (dx, dy) => { this.#pan(dx, dy) }, zoom: (at, factor) => { this.#look(zoomedAt(this.#camera, this.#frame, at.x, at.y, factor)) },
      halt: () => { this.#glide.stop() }, moved: () => { if (!this.#drive.move(this.#scene, 1)) this.#paintSoon() },
      paint: () => { this.#paintSoon() }, paintAir: () => { this.#paintAir() },
    })
    void this.#lettersCome()
  }

  async show(picture: Picture, how: { readonly glide: boolean; readonly keepCamera: boolean }): Promise<void> {
    const before = this.#scene
    const scene = sceneOf(picture)
    const glides = how.glide && !this.options.still && this.#motion.mayGlide(before, scene)
    this.#motion.changed(before, scene)
    const fitBefore = this.#fitU
    this.#use(scene)
    // A picture that only grew downwards, by what came below it, stays as large as it was.
    const grew = scene.bounds.h !== before.bounds.h && scene.bounds.w === before.bounds.w && scene.bounds.x === before.bounds.x && scene.bounds.y === before.bounds.y
    const kept = grew ? { ...this.#camera, ratio: (this.#camera.ratio * this.#fitU) / fitBefore } : this.#camera
    const goal = how.keepCamera && this.#isPlaced ? kept : homeCamera(scene.bounds)
    if (!glides) {
      this.#look(goal, true)
      this.#paint()
      performance.mark('boxes')
      await this.#drive.show()
      return
    }
    const from = this.#camera
    const step = this.#motion.steps(before, scene)
    const marks = newIn(before, scene)
    this.#scene = step(0)
    await this.#drive.show()
    await new Promise<void>((resolve) => {
      this.#glide.start((share) => {
        this.#scene = share < 1 ? step(share) : scene
        this.#camera = between(from, goal, share)
        if (!this.#drive.move(this.#scene, share < 1 ? GLIDING_LINES : 1, { marks, share })) this.#paint()
      }, resolve)
    })
    this.#use(scene)
    this.#look(goal)
  }

  setLooks(looks: Looks): void {
    const before = this.#state
    this.#looks = looks
    this.#state = this.#stateOf(this.#scene, before)
    this.#drive.recolour(before, this.#state)
    this.#paintSoon()
  }

  pulse(ids: readonly string[]): void { this.#motion.pulse(ids) }

  setTargets(ids: ReadonlySet<string> | undefined): void {
    this.#pointer.setTargets(ids)
    this.setLooks(this.#looks)
  }

  fit(ids?: readonly string[]): void {
    const extent = ids && extentOf(this.#scene, ids)
    this.#go(extent ? cameraFor(extent, this.#frame, Math.max(this.#fitU, NEAR_MARK_U)) : homeCamera(this.#scene.bounds))
  }

  zoomTo(id: string): void {
    const extent = extentOf(this.#scene, [id])
    if (extent) this.#go(cameraFor(this.#isBox(id) ? extent : around(extent), this.#frame, this.#isBox(id) ? MOST_BOX_U : NEAR_MARK_U))
  }

  reveal(id: string): void {
    const node = this.#scene.indexOf.get(id)
    if (node === undefined) return
    const { u, w, h } = this.#frame
    const box = this.#scene.boxes[this.#scene.own[node] ?? -1]
    const { x, y } = pointOf(this.#scene, this.#frame, node)
    const isMiddle = Math.abs(x - w / 2) <= (w * MIDDLE) / 2 && Math.abs(y - h / 2) <= (h * MIDDLE) / 2
    const isLegible = box ? titleSize(box.depth, box.head * u, box.w * u) !== undefined : u > NAMES_ABOVE || !this.#scene.nested
    if (isMiddle && isLegible) return
    if (!isLegible) this.zoomTo(id)
    else if (!box || !this.#isWhole(box)) this.#go({ ...this.#camera, x: this.#scene.x[node] ?? 0, y: this.#scene.y[node] ?? 0 })
  }

  camera(): Camera { return this.#camera }
  setCamera(camera: Camera): void { this.#look(camera) }

  positionOf(id: string): { readonly x: number; readonly y: number } | undefined {
    const node = this.#scene.indexOf.get(id)
    if (node === undefined) return undefined
    const { left, top } = this.#surface.root.getBoundingClientRect()
    const { x, y } = pointOf(this.#scene, this.#frame, node)
    return { x: x + left, y: y + top }
  }

  toPng(options: Parameters<GraphView['toPng']>[0]): Promise<Blob> { return toPng(this.#parts(), options) }
  toSvg(): string { return toSvg(this.#parts()) }

  retheme(): void {
    this.#tokens = readTokens(this.#surface.root)
    this.#state = this.#stateOf(this.#scene)
    this.#drive.recolour(undefined, this.#state)
    this.#miniMap.show(this.#scene, this.#state, this.#tokens)
    this.#paint()
  }

  destroy(): void {
    cancelAnimationFrame(this.#painting)
    this.#glide.stop()
    this.#motion.stop()
    this.#pointer.destroy()
    this.#miniMap.destroy()
    this.#drive.destroy()
    this.#surface.destroy()
  }

  /** While a line is drawn, where it may go is what stays bright. */
  #stateOf(scene: Scene, before?: State): State {
    const { targets, line } = this.#pointer.hand
    return stateOf(scene, targets ? { ...this.#looks, bright: new Set([...targets, ...(line ? [line.from] : [])]) } : this.#looks, this.#tokens, before)
  }

  get #frame(): Frame { return frameOf(this.#camera, this.#scene.bounds, this.#surface.size) }

  #parts(): Parts {
    return { scene: this.#scene, state: this.#state, tokens: this.#tokens, frame: this.#frame, widths: this.#surface.widths(this.#tokens.sans) }
  }

  #use(scene: Scene): void {
    const before = this.#scene
    this.#scene = scene
    this.#state = this.#stateOf(scene)
    this.#pointer.use(before, scene)
    this.#fitU = fitOf(scene.bounds, this.#surface.size)
    this.#miniMap.show(scene, this.#state, this.#tokens)
  }

  #isBox(id: string): boolean { return (this.#scene.own[this.#scene.indexOf.get(id) ?? -1] ?? -1) >= 0 }

  #isWhole(box: Rect): boolean {
    const { u, left, top, w, h } = this.#frame
    return box.x * u + left >= 0 && box.y * u + top >= 0 && (box.x + box.w) * u + left <= w && (box.y + box.h) * u + top <= h
  }

  /** The camera is there at once. */
  #look(camera: Camera, quietly = false): void {
    const { x, y, ratio } = this.#camera
    if (x !== camera.x || y !== camera.y || ratio !== camera.ratio) this.#pointer.leave()
    this.#camera = camera
    this.#isPlaced = true
    if (!this.#drive.look()) this.#paintSoon()
    if (!quietly) this.options.events.onCamera(camera)
  }

  #go(goal: Camera): void {
    if (this.options.still) {
      this.#look(goal)
      return
    }
    const from = this.#camera
    this.#glide.start((share) => { this.#look(between(from, goal, share), share < 1) })
  }

  #pan(dx: number, dy: number): void {
    this.#glide.stop()
    const { u } = this.#frame
    this.#look({ ...this.#camera, x: this.#camera.x - dx / u, y: this.#camera.y - dy / u })
  }

  #resized(): void {
    const before = this.#fitU
    this.#fitU = fitOf(this.#scene.bounds, this.#surface.size)
    const home = homeCamera(this.#scene.bounds)
    const isHome = Math.abs(this.#camera.ratio - 1) < 0.01 && Math.abs(this.#camera.x - home.x) < 0.1 && Math.abs(this.#camera.y - home.y) < 0.1
    // What fitted fits again; else everything stays as large as it was.
    this.#camera = isHome ? home : { ...this.#camera, ratio: (this.#camera.ratio * this.#fitU) / before }
    this.#drive.resize()
    this.#paint()
  }

  #paintSoon(): void {
    if (this.#painting !== 0) return
    this.#painting = requestAnimationFrame(() => { this.#paint() })
  }

  #paint(): void {
    cancelAnimationFrame(this.#painting)
    this.#painting = 0
    const { under, over } = this.#surface
    const parts = this.#parts()
    this.#surface.clear(under)
    const below = stageOf(new CanvasPen(under, this.#tokens.sans), parts)
    paintUnder(below, this.#pointer.lane)
    if (this.#drive.hasFailed) paintLines(below)
    paintNear(below)
    if (this.#drive.hasFailed || (!this.#drive.isOn && this.#scene.nodes.length <= FIRST_MARKS)) paintMarks(below)
    this.#surface.clear(over)
    const above = stageOf(new CanvasPen(over, this.#tokens.sans), parts)
    paintOver(above)
    if (this.#looks.past) above.pen.box(0, 0, parts.frame.w - PAST_LINE, parts.frame.h - PAST_LINE, 0, { stroke: this.#tokens.past, width: PAST_LINE })
    this.#paintAir()
    this.#miniMap.look(parts.frame)
  }

  #paintAir(): void {
    const { air } = this.#surface
    this.#surface.clear(air)
    const stage: Stage = stageOf(new CanvasPen(air, this.#tokens.sans), this.#parts())
    const now = performance.now()
    paintPulses(stage, this.#motion.pulses(now), now, this.options.still)
    paintGhosts(stage, this.#motion.ghosts(now), now)
    paintHand(stage, this.#pointer.hand)
  }

  async #lettersCome(): Promise<void> {
    // Canvases do not wait for fonts: what was measured and drawn without them is done anew.
    await Promise.allSettled([400, 500, 600].map((weight) => document.fonts.load(`${weight} 12px 'Inter Variable'`)))
    this.#surface.forgetWidths()
    this.#paintSoon()
  }
}

function newIn(before: Scene, after: Scene): ReadonlySet<number> {
  return new Set(after.nodes.flatMap((node, index) => (before.indexOf.has(node.id) ? [] : [index])))
}

/** Some of what lies about a mark. */
function around(extent: Rect): Rect {
  return { x: extent.x - AROUND, y: extent.y - AROUND, w: extent.w + 2 * AROUND, h: extent.h + 2 * AROUND }
}
