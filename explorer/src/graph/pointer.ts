/** What the pointer does to the picture: what it is at, what it drags, and what it draws. */
import type { Frame } from './camera'
import { Grid, type Ground, inLasso, markAt, pickAt } from './hits'
import { type Grip, Input, type Place, type Press } from './input'
import { detailOf } from './lod'
import { type Hand, isOnHandle } from './paint/rings'
import type { Scene } from './scene'
import type { State } from './state'
import type { GraphViewOptions, Pick, PointerInfo } from './types'

export interface PointerHost {
  readonly scene: () => Scene
  readonly state: () => State
  readonly frame: () => Frame
  readonly pan: (dx: number, dy: number) => void
  readonly zoom: (at: Place, factor: number) => void
  /** The hand has taken hold: what moves by itself stops. */
  readonly halt: () => void
  readonly moved: () => void
  readonly paint: () => void
  readonly paintAir: () => void
}

/** Dropping a line is less exact than clicking. */
const DROP_REACH = 10

export class Pointer {
  hand: Hand = { hovered: undefined, edge: undefined, handle: false, line: undefined, lasso: [], targets: undefined }
  /** The lane that the pointer is at. */
  lane: number | undefined
  readonly #input: Input
  #grid: Grid
  /** The pointer is at something, and the page was told. */
  #isAt = false

  constructor(private readonly root: HTMLElement, private readonly options: GraphViewOptions, private readonly host: PointerHost) {
    this.#grid = new Grid(host.scene())
    const { events } = options
    this.#input = new Input(root, {
      grip: (press) => this.#grip(press), pan: host.pan, zoom: host.zoom,
      drag: (grip, way, state) => { this.#drag(grip, way, state) }, hover: (press) => { this.#hover(press) },
      click: (press) => { events.onClick(this.#info(press)) }, doubleClick: (press) => { events.onDoubleClick(this.#info(press)) },
      menu: (press) => { events.onMenu(this.#info(press)) },
    })
  }

  /** Another scene lies under the pointer. */
  use(before: Scene, after: Scene): void {
    this.#grid = new Grid(after)
    this.lane = undefined
    const [was, is] = [before.indexOf.get(this.hand.hovered ?? ''), after.indexOf.get(this.hand.hovered ?? '')]
    if (was === undefined || is === undefined || before.x[was] !== after.x[is] || before.y[was] !== after.y[is]) this.leave()
  }

  /** What was under the pointer is not there any more, though the pointer has not moved. */
  leave(): void {
    this.lane = undefined
    if (!this.#isAt) return
    this.#isAt = false
    this.hand = { ...this.hand, hovered: undefined, edge: undefined }
    this.options.events.onHover(undefined)
  }

  setTargets(ids: ReadonlySet<string> | undefined): void { this.#hold({ targets: ids }) }

  destroy(): void { this.#input.destroy() }

  #hold(change: Partial<Hand>): void {
    this.hand = { ...this.hand, ...change }
    this.host.paintAir()
  }

  #ground(): Ground {
    const frame = this.host.frame()
    return { scene: this.host.scene(), state: this.host.state(), frame, detail: detailOf(frame.u, frame.ratio) }
  }

  #pick({ x, y }: Place): Pick { return pickAt(this.#ground(), this.#grid, x, y) }

  #info(press: Press, pick: Pick = this.#pick(press)): PointerInfo { return { pick, ...this.#onPage(press), shift: press.shift, alt: press.alt } }

  #onPage({ x, y }: Place): { readonly x: number; readonly y: number } {
    const { left, top } = this.root.getBoundingClientRect()
    return { x: x + left, y: y + top }
  }

  #hover(press: Press | undefined): void {
    const handle = press && this.#handleAt(press)
    const pick = handle === undefined ? press && this.#pick(press) : { kind: 'node' as const, id: handle }
    this.root.dataset['cursor'] = handle !== undefined ? 'crosshair' : pick === undefined || pick.kind === 'ground' ? 'grab' : 'pointer'
    const hovered = pick?.kind === 'node' ? pick.id : undefined
    const edge = pick?.kind === 'edge' ? pick.key : undefined
    if (hovered !== this.hand.hovered || edge !== this.hand.edge) this.#hold({ hovered, edge, handle: this.options.mayConnect?.() === true })
    const lane = pick?.kind === 'lane' ? pick.index : undefined
    if (lane !== this.lane) {
      this.lane = lane
      this.host.paint()
    }
    this.#isAt = press !== undefined && pick?.kind !== 'ground'
    this.options.events.onHover(press && pick ? this.#info(press, pick) : undefined)
  }

  /** The twin whose handle is under the pointer. */
  #handleAt({ x, y }: Place): string | undefined {
    const scene = this.host.scene()
    const node = scene.indexOf.get(this.hand.hovered ?? '')
    if (node === undefined || !this.hand.handle) return undefined
    return isOnHandle({ scene, frame: this.host.frame() }, node, x, y) ? this.hand.hovered : undefined
  }

  #grip(press: Press): Grip {
    this.host.halt()
    if (press.shift) return { kind: 'lasso' }
    const handle = this.#handleAt(press)
    if (handle !== undefined) return { kind: 'connect', id: handle }
    const scene = this.host.scene()
    const id = scene.nodes[markAt(this.#ground(), this.#grid, press.x, press.y) ?? -1]?.id
    if (id === undefined) return { kind: 'pan' }
    if (!scene.nested) return { kind: 'move', id }
    return this.options.mayConnect?.() === true ? { kind: 'connect', id } : { kind: 'pan' }
  }

  #drag(grip: Grip, way: readonly Place[], state: 'on' | 'end' | 'cancel'): void {
    const last = way.at(-1)
    if (!last) return
    if (grip.kind === 'lasso') {
      this.#hold({ lasso: state === 'on' ? way : [] })
      if (state === 'end') this.options.events.onLasso(inLasso(this.#ground(), way))
    } else if (grip.kind === 'connect') this.#connect(grip.id, last, state)
    else if (grip.kind === 'move') this.#moveMark(grip.id, last, state)
  }

  #connect(from: string, at: Place, state: 'on' | 'end' | 'cancel'): void {
    const over = this.#overOf(from, at)
    this.#hold({ line: state === 'on' ? { from, x: at.x, y: at.y, over } : undefined })
    this.options.events.onConnect(from, over, state === 'on' ? 'over' : state === 'end' ? 'drop' : 'cancel', this.#onPage(at))
  }

  /** A mark under the pointer, else the box that one is in: rooms are larger than their chips. */
  #overOf(from: string, at: Place): string | undefined {
    const mark = markAt(this.#ground(), this.#grid, at.x, at.y, DROP_REACH)
    const pick = mark === undefined ? this.#pick(at) : undefined
    const id = mark === undefined ? (pick?.kind === 'box' ? pick.id : undefined) : this.host.scene().nodes[mark]?.id
    return id === from ? undefined : id
  }

  #moveMark(id: string, at: Place, state: 'on' | 'end' | 'cancel'): void {
    const scene = this.host.scene()
    const node = scene.indexOf.get(id)
    if (node === undefined) return
    const { u, left, top } = this.host.frame()
    const { layout } = scene.picture
    scene.x[node] = state === 'cancel' ? layout.x[node] ?? 0 : (at.x - left) / u
    scene.y[node] = state === 'cancel' ? layout.y[node] ?? 0 : (at.y - top) / u
    this.host.moved()
    if (state === 'on') return
    this.#grid = new Grid(scene)
    if (state === 'end') this.options.events.onMove(id, scene.x[node] ?? 0, scene.y[node] ?? 0)
  }
}
