/** A drawing in the page: read from the server's text, put into a shadow root, its elements known by their ids. */

const UNSEEN = new Set(['defs', 'symbol', 'clipPath', 'mask', 'pattern', 'marker', 'linearGradient', 'radialGradient', 'filter', 'title', 'desc', 'metadata'])
const SHAPES = new Set(['path', 'rect', 'circle', 'ellipse', 'polygon', 'polyline', 'use', 'line'])
/** The drawing is this wide before it is zoomed; its own units differ from one drawing to the next. */
export const STAGE_WIDTH = 1000
const LEAST = 1e-6

export interface DrawnElement {
  readonly id: string
  /** What a person called it: the layer's name, or its title. */
  readonly name: string
  readonly tag: string
  readonly depth: number
  /** The drawing lets clicks pass through it: furniture, texts, walls. */
  readonly isThrough: boolean
  readonly element: SVGElement
}

export interface Drawing {
  readonly root: SVGSVGElement
  /** By id. Ids are anybody's text, so that no object holds them. */
  readonly elements: ReadonlyMap<string, DrawnElement>
  readonly width: number
  readonly height: number
}

export class NotADrawing extends Error {}

function lengthOf(text: string | null): number | undefined {
  const number = text === null || text.endsWith('%') ? NaN : Number.parseFloat(text)
  return Number.isFinite(number) && number > LEAST ? number : undefined
}

/** The part of the plane that a drawing shows. */
export function boxOf(root: Element): readonly [number, number, number, number] | undefined {
  const parts = (root.getAttribute('viewBox') ?? '').trim().split(/[\s,]+/).map(Number)
  const [x, y, width, height] = parts
  if (parts.length === 4 && x !== undefined && y !== undefined && width !== undefined && height !== undefined && parts.every(Number.isFinite) && width > LEAST && height > LEAST) return [x, y, width, height]
  const wide = lengthOf(root.getAttribute('width'))
  const high = lengthOf(root.getAttribute('height'))
  return wide !== undefined && high !== undefined ? [0, 0, wide, high] : undefined
}

function nameOf(element: Element): string {
  const title = [...element.children].find((child) => child.localName === 'title')?.textContent.trim()
  return element.getAttribute('data-name') ?? title ?? ''
}

/** Elements with an id that can be seen, in the order of the drawing. The first of two with one id counts. */
export function elementsOf(root: Element): ReadonlyMap<string, DrawnElement> {
  const found = new Map<string, DrawnElement>()
  const walk = (parent: Element, depth: number, through: boolean): void => {
    for (const child of parent.children) {
      const isThrough = child.getAttribute('pointer-events') === 'none' || (through && !child.hasAttribute('pointer-events'))
      if (UNSEEN.has(child.localName) || !(child instanceof SVGElement)) continue
      const id = child.getAttribute('id') ?? ''
      const isNamed = id !== '' && !found.has(id)
      if (isNamed) found.set(id, { id, name: nameOf(child), tag: child.localName, depth, isThrough, element: child })
      walk(child, isNamed ? depth + 1 : depth, isThrough)
    }
  }
  walk(root, 0, false)
  return found
}

/** Read a drawing. Nothing of it is in the page yet. */
export function readDrawing(text: string): Drawing {
  const parsed = new DOMParser().parseFromString(text, 'image/svg+xml')
  const root = parsed.documentElement
  if (parsed.querySelector('parsererror') || root.localName !== 'svg' || !(root instanceof SVGSVGElement)) throw new NotADrawing()
  const box = boxOf(root) ?? [0, 0, STAGE_WIDTH, STAGE_WIDTH]
  const height = Math.max(1, (STAGE_WIDTH * box[3]) / box[2])
  root.setAttribute('viewBox', box.join(' '))
  root.setAttribute('width', String(STAGE_WIDTH))
  root.setAttribute('height', String(height))
  const elements = elementsOf(root)
  // Its own titles would come up as the browser's hints, beside ours.
  for (const title of [...root.querySelectorAll('title')]) title.remove()
  return { root, elements, width: STAGE_WIDTH, height }
}

/** The shapes that are filled when an element is: itself, or what a group holds. */
export function shapesOf(element: SVGElement): readonly SVGElement[] {
  if (SHAPES.has(element.localName)) return [element]
  return [...element.querySelectorAll<SVGElement>([...SHAPES].join(','))].filter((each) => each.localName !== 'line')
}

interface Place { readonly x: number; readonly y: number; readonly width: number; readonly height: number }

const GRID = 14

/** Whether a point of an element's own plane is inside of it; only shapes know. */
function insideOf(element: SVGElement): ((x: number, y: number) => boolean) | undefined {
  if (!(element instanceof SVGGeometryElement)) return undefined
  const point = element.ownerSVGElement?.createSVGPoint()
  return point && ((x, y) => { point.x = x; point.y = y; return element.isPointInFill(point) })
}

/** The middle of the widest room in a shape: the middle of an L lies outside of it. */
export function widestPlace(box: Place, inside: (x: number, y: number) => boolean): { readonly x: number; readonly y: number; readonly width: number } {
  const cell = { width: box.width / GRID, height: box.height / GRID }
  const at = (column: number, row: number): readonly [number, number] => [box.x + (column + 0.5) * cell.width, box.y + (row + 0.5) * cell.height]
  const isIn = Array.from({ length: GRID }, (_row, row) => Array.from({ length: GRID }, (_cell, column) => inside(...at(column, row))))
  const reach = (column: number, row: number, dx: number, dy: number): number => {
    let steps = 0
    while (isIn[row + dy * steps]?.[column + dx * steps] === true) steps += 1
    return steps
  }
  let best = { score: -1, x: box.x + box.width / 2, y: box.y + box.height / 2, width: box.width }
  for (let row = 0; row < GRID; row += 1) {
    for (let column = 0; column < GRID; column += 1) {
      if (isIn[row]?.[column] !== true) continue
      const across = Math.min(reach(column, row, 1, 0), reach(column, row, -1, 0)) * cell.width
      const down = Math.min(reach(column, row, 0, 1), reach(column, row, 0, -1)) * cell.height
      const [x, y] = at(column, row)
      // Of places with as much room the one nearest the middle looks right.
      const off = Math.hypot(x - box.x - box.width / 2, y - box.y - box.height / 2) / Math.hypot(box.width, box.height)
      const score = Math.min(across, down * 2) * (1 - 0.2 * off)
      if (score > best.score) best = { score, x, y, width: across * 2 }
    }
  }
  return best
}

/** Where marks of an element stand, in pixels of the stage; undefined where it cannot be seen. */
export function placeOf(drawing: Drawing, element: SVGElement): { readonly x: number; readonly y: number; readonly width: number } | undefined {
  if (!(element instanceof SVGGraphicsElement)) return undefined
  const box = element.getBBox()
  const own = element.getScreenCTM()
  const stage = drawing.root.getScreenCTM()
  const view = drawing.root.viewBox.baseVal
  if (!own || !stage || (box.width === 0 && box.height === 0)) return undefined
  const inside = insideOf(element)
  const spot = inside ? widestPlace(box, inside) : { x: box.x + box.width / 2, y: box.y + box.height / 2, width: box.width }
  const toStage = stage.inverse().multiply(own)
  const scale = drawing.width / view.width
  const x = toStage.a * spot.x + toStage.c * spot.y + toStage.e
  const y = toStage.b * spot.x + toStage.d * spot.y + toStage.f
  return { x: (x - view.x) * scale, y: (y - view.y) * scale, width: spot.width * Math.hypot(toStage.a, toStage.b) * scale }
}
