/** The picture of the graph: what is shown of it, from where, and what the pointer does to it. */
import { type Rect, Glide, MARGIN_X, MARGIN_Y, between, cameraFor, fitOf, frameOf, homeCamera, zoomedAt } from './camera'
import type { Frame } from './camera'
import { Drive } from './drive'
import { toPng } from './png'
import { Grid, inLasso, markAt, pickAt } from './hits'
import { Input, type Grip, type Place, type Press } from './input'
import { BARS_BELOW, NAMES_ABOVE, VALUES_ABOVE, detailOf, titleSize } from './lod'
import { MiniMap } from './minimap'
import { Motion } from './motion'
import type { Hand } from './paint/rings'
import { isOnHandle, paintGhosts, paintHand, paintPulses } from './paint/rings'
import { paintMarks } from './paint/marks'
import { paintLines, paintNear } from './paint/lines'
import { type Parts, paintOver, paintUnder, stageOf } from './painter'
import { CanvasPen } from './pen'
import { type Scene, extentOf, sceneOf } from './scene'
import { type Stage, pointOf } from './stage'
import { NO_LOOKS, type State, stateOf } from './state'
import { Surface } from './surface'
import { toSvg } from './svg'
import { type Tokens, readTokens } from './tokens'
import type { Camera, GraphView, GraphViewOptions, Looks, Pick, Picture, PointerInfo } from './types'

const EMPTY: Picture = {
  nodes: [], edges: [],
  layout: {
    kind: 'nested', x: new Float64Array(), y: new Float64Array(), parent: new Int32Array(), box: new Int32Array(), boxes: [], lanes: [],
    implied: new Uint8Array(), inLane: new Uint8Array(), absent: new Uint8Array(), squeezed: 0, bounds: { x: 0, y: 0, w: 1, h: 1 }, containments: [], contained: 0,
  },
}
const MIDDLE = 0.7
const NEAR_MARK_U = 52
const MOST_BOX_U = 60
/** More marks than this wait for WebGL instead of being painted before it. */
const FIRST_MARKS = 3000

export function createGraphView(options: GraphViewOptions): GraphView { return new View(options) }

class View implements GraphView {
  readonly #surface: Surface
  readonly #drive: Drive
  readonly #input: Input
  readonly #miniMap: MiniMap
  readonly #motion: Motion
  readonly #glide = new Glide()
  #tokens: Tokens
  #scene: Scene = sceneOf(EMPTY)
  #state: State
  #grid: Grid
  #camera: Camera = { x: 0, y: 0, ratio: 1 }
  #fitU = 1
  #hand: Hand = { hovered: undefined, handle: false, line: undefined, lasso: [], targets: undefined }
  #lane: number | undefined
  #painting = 0

  constructor(private readonly options: GraphViewOptions) {
    this.#surface = new Surface(options.container, () => { this.#resized() })
    this.#tokens = readTokens(this.#surface.root)
    this.#state = stateOf(this.#scene, NO_LOOKS, this.#tokens)
    this.#grid = new Grid(this.#scene)
    this.#drive = new Drive(this.#surface.gl, () => this.#parts(), () => { this.#paint() }, options.events.onLost)
    this.#motion = new Motion(options.still, () => { this.#paintAir() })
    this.#miniMap = new MiniMap(this.#surface.root, (x, y) => { this.#look({ ...this.#camera, x, y }) })
    this.#input = new Input(this.#surface.root, {
      grip: (press) => this.#grip(press), pan: (dx, dy) => { this.#pan(dx, dy) },
      zoom: (at, factor) => { this.#look(zoomedAt(this.#camera, this.#frame, at.x, at.y, factor)) },
      drag: (grip, way, state) => { this.#drag(grip, way, state) }, hover: (press) => { this.#hover(press) },
      click: (press) => { options.events.onClick(this.#info(press)) }, doubleClick: (press) => { options.events.onDoubleClick(this.#info(press)) },
      menu: (press) => { options.events.onMenu(this.#info(press)) },
    })
    void this.#lettersCome()
  }

  async show(picture: Picture, how: { readonly glide: boolean; readonly keepCamera: boolean }): Promise<void> {
    const before = this.#scene
    const scene = sceneOf(picture)
    const glides = how.glide && !this.options.still && this.#motion.mayGlide(before, scene)
    this.#motion.changed(before, scene)
    this.#use(scene)
    const goal = how.keepCamera ? this.#camera : homeCamera(scene.bounds)
    if (!glides) {
      this.#look(goal, true)
      this.#paint()
      performance.mark('boxes')
      await this.#drive.show()
      return
    }
    const from = this.#camera
    const step = this.#motion.steps(before, scene)
    this.#scene = step(0)
    await this.#drive.show()
    await new Promise<void>((resolve) => {
      this.#glide.start((share) => {
        this.#scene = share < 1 ? step(share) : scene
        this.#camera = between(from, goal, share)
        if (!this.#drive.move(this.#scene, share < 1 ? 0.2 : 1)) this.#paint()
      }, resolve)
    })
    this.#use(scene)
    this.#look(goal)
  }

  setLooks(looks: Looks): void {
    const before = this.#state
    this.#state = stateOf(this.#scene, looks, this.#tokens)
    this.#drive.recolour(before, this.#state)
    this.#paintSoon()
  }

  pulse(ids: readonly string[]): void { this.#motion.pulse(ids) }

  setTargets(ids: ReadonlySet<string> | undefined): void {
    this.#hand = { ...this.#hand, targets: ids }
    this.#paintAir()
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
    this.#state = stateOf(this.#scene, this.#state.looks, this.#tokens)
    this.#drive.recolour(undefined, this.#state)
    this.#miniMap.show(this.#scene, this.#state, this.#tokens)
    this.#paint()
  }

  destroy(): void {
    cancelAnimationFrame(this.#painting)
    this.#glide.stop()
    this.#motion.stop()
    this.#input.destroy()
    this.#miniMap.destroy()
    this.#drive.destroy()
    this.#surface.destroy()
  }

  get #frame(): Frame { return frameOf(this.#camera, this.#scene.bounds, this.#surface.size) }

  #parts(): Parts {
    return { scene: this.#scene, state: this.#state, tokens: this.#tokens, frame: this.#frame, widths: this.#surface.widths(this.#tokens.sans) }
  }

  #use(scene: Scene): void {
    this.#scene = scene
    this.#state = stateOf(scene, this.#state.looks, this.#tokens)
    this.#grid = new Grid(scene)
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
    this.#camera = camera
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
    paintUnder(below, this.#lane)
    if (this.#drive.hasFailed) paintLines(below)
    paintNear(below)
    if (this.#drive.hasFailed || (!this.#drive.isOn && this.#scene.nodes.length <= FIRST_MARKS)) paintMarks(below)
    this.#surface.clear(over)
    paintOver(stageOf(new CanvasPen(over, this.#tokens.sans), parts))
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
    paintHand(stage, this.#hand)
  }

  async #lettersCome(): Promise<void> {
    // Canvases do not wait for fonts: what was measured and drawn without them is done anew.
    await Promise.allSettled([400, 500, 600].map((weight) => document.fonts.load(`${weight} 12px 'Inter Variable'`)))
    this.#surface.forgetWidths()
    this.#paintSoon()
  }

  #ground(): { readonly scene: Scene; readonly state: State; readonly frame: Frame; readonly detail: ReturnType<typeof detailOf> } {
    const frame = this.#frame
    return { scene: this.#scene, state: this.#state, frame, detail: detailOf(frame.u, frame.ratio) }
  }

  #pick({ x, y }: Place): Pick { return pickAt(this.#ground(), this.#grid, x, y) }

  #info(press: Press, pick: Pick = this.#pick(press)): PointerInfo {
    const { left, top } = this.#surface.root.getBoundingClientRect()
    return { pick, x: press.x + left, y: press.y + top, shift: press.shift, alt: press.alt }
  }

  #hover(press: Press | undefined): void {
    const mark = press && this.#handleAt(press)
    const pick = mark === undefined ? press && this.#pick(press) : { kind: 'node' as const, id: mark }
    const hovered = pick?.kind === 'node' ? pick.id : undefined
    const lane = pick?.kind === 'lane' ? pick.index : undefined
    this.#surface.root.dataset['cursor'] = mark !== undefined ? 'crosshair' : pick === undefined || pick.kind === 'ground' ? 'grab' : 'pointer'
    if (hovered !== this.#hand.hovered) {
      this.#hand = { ...this.#hand, hovered, handle: this.options.mayConnect?.() === true }
      this.#paintAir()
    }
    if (lane !== this.#lane) {
      this.#lane = lane
      this.#paintSoon()
    }
    this.options.events.onHover(press && pick ? this.#info(press, pick) : undefined)
  }

  /** The twin whose handle is under the pointer. */
  #handleAt({ x, y }: Place): string | undefined {
    const node = this.#scene.indexOf.get(this.#hand.hovered ?? '')
    if (node === undefined || !this.#hand.handle) return undefined
    return isOnHandle({ scene: this.#scene, frame: this.#frame }, node, x, y) ? this.#hand.hovered : undefined
  }

  #grip(press: Press): Grip {
    this.#glide.stop()
    if (press.shift) return { kind: 'lasso' }
    const handle = this.#handleAt(press)
    if (handle !== undefined) return { kind: 'connect', id: handle }
    const mark = markAt(this.#ground(), this.#grid, press.x, press.y)
    const id = this.#scene.nodes[mark ?? -1]?.id
    if (id === undefined) return { kind: 'pan' }
    if (!this.#scene.nested) return { kind: 'move', id }
    return this.options.mayConnect?.() === true ? { kind: 'connect', id } : { kind: 'pan' }
  }

  #drag(grip: Grip, way: readonly Place[], state: 'on' | 'end' | 'cancel'): void {
    const last = way.at(-1)
    if (!last) return
    if (grip.kind === 'lasso') {
      this.#hand = { ...this.#hand, lasso: state === 'on' ? way : [] }
      if (state === 'end') this.options.events.onLasso(inLasso(this.#ground(), way))
    } else if (grip.kind === 'connect') this.#connect(grip.id, last, state)
    else if (grip.kind === 'move') this.#moveMark(grip.id, last, state)
    this.#paintAir()
  }

  #connect(from: string, at: Place, state: 'on' | 'end' | 'cancel'): void {
    const node = markAt(this.#ground(), this.#grid, at.x, at.y, 10)
    const over = this.#overOf(from, node, at)
    this.#hand = { ...this.#hand, line: state === 'on' ? { from, x: at.x, y: at.y, over } : undefined }
    const { left, top } = this.#surface.root.getBoundingClientRect()
    const page = { x: at.x + left, y: at.y + top }
    this.options.events.onConnect(from, over, state === 'on' ? 'over' : state === 'end' ? 'drop' : 'cancel', page)
  }

  /** A mark under the pointer, else the box that one is in: rooms are larger than their chips. */
  #overOf(from: string, node: number | undefined, at: Place): string | undefined {
    const pick = node === undefined ? this.#pick(at) : undefined
    const id = node === undefined ? (pick?.kind === 'box' ? pick.id : undefined) : this.#scene.nodes[node]?.id
    return id === from ? undefined : id
  }

  #moveMark(id: string, at: Place, state: 'on' | 'end' | 'cancel'): void {
    const node = this.#scene.indexOf.get(id)
    if (node === undefined) return
    const { u, left, top } = this.#frame
    const { layout } = this.#scene.picture
    this.#scene.x[node] = state === 'cancel' ? layout.x[node] ?? 0 : (at.x - left) / u
    this.#scene.y[node] = state === 'cancel' ? layout.y[node] ?? 0 : (at.y - top) / u
    this.#drive.move(this.#scene, 1)
    this.#paintSoon()
    if (state === 'on') return
    this.#grid = new Grid(this.#scene)
    if (state === 'end') this.options.events.onMove(id, this.#scene.x[node] ?? 0, this.#scene.y[node] ?? 0)
  }
}

/** Some of what lies about a mark. */
function around(extent: Rect): Rect {
  const more = Math.max(MARGIN_X, MARGIN_Y) / VALUES_ABOVE + BARS_BELOW / 2
  return { x: extent.x - more, y: extent.y - more, w: extent.w + 2 * more, h: extent.h + 2 * more }
}
