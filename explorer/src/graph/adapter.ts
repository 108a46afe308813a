/** The only place that knows sigma: marks and lines of a scene on WebGL. */
import Graph from 'graphology'
import Sigma from 'sigma'
import type { Frame, Rect } from './camera'
import { packColour } from './colours'
import { type Detail, growth } from './lod'
import { LINE_ALPHA, LINE_WIDTH, lineColour, SYMMETRIC_ALPHA, SYMMETRIC_WIDTH } from './paint/lines'
import type { Scene } from './scene'
import { type LineAttributes, type MarkAttributes, type Told, kindOf, lineProgram, markProgram } from './shapes'
import { fitRadiusOf } from './stage'
import { FADED_LINE, FADED_MARK, type State } from './state'
import type { Tokens } from './tokens'

const HEADS_BELOW = 3000
const HEAD = 6
const SOFTWARE = /swiftshader|llvmpipe|softpipe|software|basic render/i

export interface Drawn { readonly scene: Scene; readonly state: State; readonly tokens: Tokens; readonly frame: Frame; readonly detail: Detail }

/** Marks that were not there before, and how far they have grown. */
export interface Growing { readonly marks: ReadonlySet<number>; readonly share: number }

export class Adapter {
  readonly #told: Told = { depth: Infinity, lines: false, lineAlpha: 1, growth: 1 }
  readonly #sigma: Sigma<MarkAttributes, LineAttributes>
  #graph = new Graph<MarkAttributes, LineAttributes>({ type: 'directed', multi: true })
  #bounds: Rect = { x: 0, y: 0, w: 1, h: 1 }
  #fitU = 0
  #hasFreeLines = false
  readonly #lines: HTMLCanvasElement | undefined

  constructor(container: HTMLElement, drawn: Drawn, onDrawn: () => void, onLost: () => void) {
    this.#fill(drawn)
    this.#sigma = new Sigma(this.#graph, container, {
      allowInvalidContainer: true, renderLabels: false, renderEdgeLabels: false, stagePadding: 0, minEdgeThickness: 0,
      defaultNodeType: 'mark', defaultEdgeType: 'line', nodeProgramClasses: { mark: markProgram(this.#told) }, edgeProgramClasses: { line: lineProgram(this.#told) },
      enableCameraRotation: false, enableEdgeEvents: false,
    })
    const canvases = this.#sigma.getCanvases()
    this.#lines = canvases['edges']
    this.isSoftware = isSoftware(canvases['nodes'])
    for (const [name, canvas] of Object.entries(canvases)) {
      // Pointers are read by the view, for boxes and marks alike.
      canvas.style.pointerEvents = 'none'
      // Layers with nothing on them would still be put together for every frame.
      if (name !== 'edges' && name !== 'nodes') canvas.style.display = 'none'
      canvas.addEventListener('webglcontextlost', (event) => {
        event.preventDefault()
        onLost()
      })
    }
    this.#frameWhole()
    this.look(drawn.frame, drawn.detail)
    this.#sigma.on('afterRender', onDrawn)
    this.#sigma.refresh()
  }

  /** Whether the processor plays the graphics card. */
  readonly isSoftware: boolean

  show(drawn: Drawn): void {
    this.#fill(drawn)
    this.#frameWhole()
    this.look(drawn.frame, drawn.detail)
    this.#sigma.setGraph(this.#graph)
  }

  /** Colours after a change of looks or tokens; places stay. */
  recolour(drawn: Drawn): void {
    this.#graph.forEachNode((key, attributes) => { Object.assign(attributes, markOf(drawn, Number(key))) })
    this.#graph.forEachEdge((key, attributes) => { Object.assign(attributes, lineOf(drawn, Number(key), attributes.head > 0)) })
    this.#sigma.refresh({ partialGraph: { nodes: this.#graph.nodes(), edges: this.#graph.edges() }, skipIndexation: true, schedule: true })
  }

  /** Places between two layouts; marks that are new grow from nothing. */
  move(scene: Scene, lineAlpha: number, growing?: Growing): void {
    this.#told.lineAlpha = lineAlpha
    this.#graph.forEachNode((key, attributes) => {
      const index = Number(key)
      attributes.x = scene.x[index] ?? 0
      attributes.y = -(scene.y[index] ?? 0)
      if (growing?.marks.has(index) === true) attributes.size = fitRadiusOf(scene, this.#fitU, index) * growing.share
    })
    this.#sigma.refresh({ schedule: false })
  }

  look(frame: Frame, detail: Detail): void {
    Object.assign(this.#told, { depth: detail.depth, lines: detail.lines, growth: growth(frame.u, frame.fitU) })
    if (this.#lines) this.#lines.style.display = detail.lines || this.#hasFreeLines ? '' : 'none'
    const { x, y, w, h } = this.#bounds
    const side = Math.max(w, h)
    this.#sigma.getCamera().setState({
      x: 0.5 + ((frame.w / 2 - frame.left) / frame.u - x - w / 2) / side, y: 0.5 - ((frame.h / 2 - frame.top) / frame.u - y - h / 2) / side,
      ratio: Math.min(frame.w, frame.h) / (side * frame.u), angle: 0,
    })
  }

  /** Sizes in pixels come from the size of the view. */
  resize(drawn: Drawn): void {
    this.#sigma.resize(true)
    this.look(drawn.frame, drawn.detail)
    if (Math.abs(drawn.frame.fitU - this.#fitU) > 0.01) this.recolour(drawn)
    this.#fitU = drawn.frame.fitU
    this.#sigma.scheduleRender()
  }

  render(): void { this.#sigma.scheduleRender() }
  kill(): void { this.#sigma.kill() }

  /** A square around the picture makes one unit equally long on both axes, whatever the view's form. */
  #frameWhole(): void {
    const { x, y, w, h } = this.#bounds
    const half = Math.max(w, h) / 2
    this.#sigma.setCustomBBox({ x: [x + w / 2 - half, x + w / 2 + half], y: [-(y + h / 2) - half, -(y + h / 2) + half] })
  }

  #fill(drawn: Drawn): void {
    const { scene } = drawn
    const { bounds } = scene
    this.#bounds = { x: bounds.x, y: bounds.y, w: Math.max(1, bounds.w), h: Math.max(1, bounds.h) }
    this.#fitU = drawn.frame.fitU
    this.#hasFreeLines = scene.linesAlways
    const graph = new Graph<MarkAttributes, LineAttributes>({ type: 'directed', multi: true })
    scene.nodes.forEach((_, index) => {
      graph.addNode(String(index), { x: scene.x[index] ?? 0, y: -(scene.y[index] ?? 0), ...markOf(drawn, index) })
    })
    const lines = scene.edges.flatMap((_, index) => (isPossible(scene, index) ? [index] : []))
    const heads = lines.length < HEADS_BELOW
    for (const edge of lines) graph.addDirectedEdgeWithKey(String(edge), String(scene.from[edge]), String(scene.to[edge]), lineOf(drawn, edge, heads))
    this.#graph = graph
  }
}

function isSoftware(canvas: HTMLCanvasElement | undefined): boolean {
  const gl = canvas?.getContext('webgl2')
  if (!gl) return false
  const names = gl.getExtension('WEBGL_debug_renderer_info')
  return SOFTWARE.test(String(gl.getParameter(names ? names.UNMASKED_RENDERER_WEBGL : gl.RENDERER)))
}

/** Lines that are never drawn among the others are not handed to WebGL at all. */
function isPossible(scene: Scene, edge: number): boolean {
  const from = scene.from[edge] ?? -1
  const to = scene.to[edge] ?? -1
  return from >= 0 && to >= 0 && from !== to && (scene.linesAlways || scene.picture.layout.implied[edge] !== 1)
}

function markOf({ scene, state, frame }: Drawn, index: number): Omit<MarkAttributes, 'x' | 'y'> {
  const look = scene.nodes[index]?.look ?? { shape: 'circle', hole: false, slot: 0 }
  const inside = state.shown[index] === 1 && scene.boxes[scene.home[index] ?? -1]?.collapsed !== true
  return {
    size: fitRadiusOf(scene, frame.fitU, index), kind: kindOf(look), depth: scene.depth[index] ?? 0,
    packed: inside ? packColour(state.colours[index] ?? '#000000', state.bright[index] === 1 ? 1 : FADED_MARK) : 0,
  }
}

function lineOf({ scene, state, tokens }: Drawn, edge: number, head: boolean): LineAttributes {
  const symmetric = scene.edges[edge]?.symmetric === true
  const from = scene.from[edge] ?? -1
  const bright = state.bright[from] === 1 && state.bright[scene.to[edge] ?? -1] === 1
  const alpha = bright ? (symmetric ? SYMMETRIC_ALPHA : LINE_ALPHA) : FADED_LINE
  return {
    size: symmetric ? SYMMETRIC_WIDTH : LINE_WIDTH, gated: scene.linesAlways ? 0 : 1, head: head && !symmetric ? HEAD : 0,
    packed: state.edgeShown[edge] === 1 ? packColour(lineColour({ scene, state, tokens }, edge), alpha) : 0,
  }
}
