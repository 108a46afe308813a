/** A drawing in a shadow root: the app's looks do not reach in, its ids do not reach out. */
import { type Drawing, placeOf, shapesOf } from './drawing'
import type { ElementLook } from './effects'

const SVG = 'http://www.w3.org/2000/svg'
const STYLE = `
  :host { display: block; }
  svg { display: block; pointer-events: none; overflow: visible; }
  .chosen * { fill: none !important; stroke: var(--select) !important; stroke-width: calc(3px * var(--px)) !important; opacity: 1 !important; stroke-dasharray: none !important; visibility: visible !important; }
  .hovered * { fill: var(--select) !important; fill-opacity: 0.1 !important; stroke: var(--select) !important; stroke-width: calc(1.5px * var(--px)) !important; stroke-dasharray: none !important; }
  .unbound * { fill: none !important; stroke: var(--text-3) !important; stroke-width: calc(1px * var(--px)) !important; stroke-dasharray: calc(4px * var(--px)) calc(3px * var(--px)) !important; }
`

export interface Place { readonly x: number; readonly y: number; readonly width: number }

export interface Mounted {
  /** Which active element is at a point of the page. */
  readonly at: (x: number, y: number) => string | undefined
  readonly place: (id: string) => Place | undefined
  readonly setActive: (active: ReadonlySet<string>, unbound: ReadonlySet<string>) => void
  readonly setLooks: (looks: ReadonlyMap<string, ElementLook>) => void
  readonly setChosen: (chosen: ReadonlySet<string>, hovered: string | undefined) => void
  readonly unmount: () => void
}

/** The outline of an element over all others: a copy without ids, where the element is. */
function outlineOf(drawing: Drawing, element: SVGElement, look: string): SVGElement | undefined {
  const parent = element.parentElement
  if (!(element instanceof SVGGraphicsElement) || !(parent instanceof SVGGraphicsElement)) return undefined
  const stage = drawing.root.getScreenCTM()
  const own = parent.getScreenCTM()
  if (!stage || !own) return undefined
  const { a, b, c, d, e, f } = stage.inverse().multiply(own)
  const group = document.createElementNS(SVG, 'g')
  group.setAttribute('class', look)
  group.setAttribute('transform', `matrix(${a} ${b} ${c} ${d} ${e} ${f})`)
  // Only what is filled has an outline; the texts of a group would become hollow.
  const copy = element.cloneNode(true) as SVGElement
  for (const each of [copy, ...copy.querySelectorAll('*')]) { each.removeAttribute('id'); each.removeAttribute('style') }
  for (const text of [...copy.querySelectorAll('text, image')]) text.remove()
  group.append(copy)
  return group
}

export function mountDrawing(host: HTMLElement, drawing: Drawing): Mounted {
  const shadow = host.shadowRoot ?? host.attachShadow({ mode: 'open' })
  const sheet = new CSSStyleSheet()
  sheet.replaceSync(STYLE)
  shadow.adoptedStyleSheets = [sheet]
  const { root, elements } = drawing
  shadow.replaceChildren(root)
  const view = root.viewBox.baseVal
  // One pixel of the page in units of the drawing, however far it is zoomed.
  root.style.setProperty('--px', `calc(${view.width / drawing.width} / var(--k))`)
  const over = document.createElementNS(SVG, 'g')
  over.setAttribute('pointer-events', 'none')
  const [edges, rings] = [document.createElementNS(SVG, 'g'), document.createElementNS(SVG, 'g')]
  over.append(edges, rings)
  root.append(over)
  const places = new Map<string, Place | undefined>()
  let looked: ReadonlySet<string> = new Set()
  let activeNow: ReadonlySet<string> = new Set()
  const idOf = new Map<Element, string>([...elements].map(([id, each]) => [each.element, id]))

  const clear = (element: SVGElement): void => {
    for (const shape of shapesOf(element)) { shape.style.removeProperty('fill'); shape.style.removeProperty('fill-opacity') }
    element.style.removeProperty('opacity')
    element.style.removeProperty('visibility')
  }
  return {
    at: (x, y) => {
      let hit = shadow.elementFromPoint(x, y)
      while (hit && hit !== root) {
        const id = idOf.get(hit)
        if (id !== undefined && activeNow.has(id)) return id
        hit = hit.parentElement
      }
      return undefined
    },
    place: (id) => {
      if (!places.has(id)) {
        const drawn = elements.get(id)
        places.set(id, drawn && placeOf(drawing, drawn.element))
      }
      return places.get(id)
    },
    setActive: (active, unbound) => {
      activeNow = active
      for (const [id, { element }] of elements) {
        if (active.has(id)) element.style.pointerEvents = element.localName === 'g' ? 'visiblePainted' : 'all'
        else element.style.removeProperty('pointer-events')
      }
      edges.replaceChildren(...[...unbound].flatMap((id) => {
        const drawn = elements.get(id)
        return drawn ? outlineOf(drawing, drawn.element, 'unbound') ?? [] : []
      }))
    },
    setLooks: (looks) => {
      for (const id of looked) if (!looks.has(id)) { const drawn = elements.get(id); if (drawn) clear(drawn.element) }
      for (const [id, look] of looks) {
        const drawn = elements.get(id)
        if (!drawn) continue
        clear(drawn.element)
        if (look.fill !== undefined) for (const shape of shapesOf(drawn.element)) { shape.style.fill = look.fill; shape.style.fillOpacity = '1' }
        if (look.opacity !== undefined) drawn.element.style.opacity = String(look.opacity)
        if (look.isHidden === true) drawn.element.style.visibility = 'hidden'
      }
      looked = new Set(looks.keys())
    },
    setChosen: (chosen, hovered) => {
      const outlines = [...chosen].map((id): readonly [string, string] => [id, 'chosen'])
      if (hovered !== undefined && !chosen.has(hovered)) outlines.unshift([hovered, 'hovered'])
      rings.replaceChildren(...outlines.flatMap(([id, look]) => {
        const drawn = elements.get(id)
        return drawn ? outlineOf(drawing, drawn.element, look) ?? [] : []
      }))
    },
    unmount: () => { over.remove(); shadow.replaceChildren() },
  }
}
