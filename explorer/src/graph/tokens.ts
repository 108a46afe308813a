/** The tokens of tokens.css as the canvases need them: read once per change of the theme. */
import { hexOf, rgbOf } from './colours'

export interface Tokens {
  readonly canvas: string
  readonly surface: string
  readonly text: string
  readonly text2: string
  readonly text3: string
  readonly accent: string
  readonly select: string
  readonly pulse: string
  readonly border: string
  readonly ok: string
  readonly warn: string
  readonly danger: string
  readonly past: string
  /** Boxes by depth, 0 to 3 and deeper. */
  readonly boxes: readonly [string, string, string, string]
  /** Lines of deep boxes, and of outer ones. */
  readonly deepLine: string
  readonly outerLine: string
  /** By palette slot; 0 is none. */
  readonly families: readonly string[]
  readonly ramp: readonly string[]
  readonly rampText: string
  readonly sans: string
  /** Forced colours or more contrast: lines instead of tints. */
  readonly plain: boolean
}

const SLOTS = 8
const STOPS = 5

/** Read the tokens that hold for an element. */
export function readTokens(element: HTMLElement): Tokens {
  const style = getComputedStyle(element)
  // A build may write a colour in another way (#fff, a name): the browser reads them all.
  const reader = document.createElement('canvas').getContext('2d')
  const token = (name: string): string => {
    const written = style.getPropertyValue(name).trim()
    if (!reader) return hexOf(rgbOf(written))
    reader.fillStyle = written
    return hexOf(rgbOf(String(reader.fillStyle)))
  }
  const tokens: Tokens = {
    canvas: token('--canvas'), surface: token('--surface'), text: token('--text'), text2: token('--text-2'), text3: token('--text-3'),
    accent: token('--accent'), select: token('--select'), pulse: token('--pulse'), border: token('--border'),
    ok: token('--ok'), warn: token('--warn'), danger: token('--danger'), past: token('--past'),
    boxes: [token('--n0'), token('--n1'), token('--n2'), token('--n3')], deepLine: token('--nb'), outerLine: token('--nb2'),
    families: [token('--text-3'), ...Array.from({ length: SLOTS }, (_, index) => token(`--family-${index + 1}`))],
    ramp: Array.from({ length: STOPS }, (_, index) => token(`--ramp-${index + 1}`)), rampText: token('--ramp-text'),
    sans: style.getPropertyValue('--sans').trim() || 'sans-serif', plain: false,
  }
  if (matches('(forced-colors: active)')) return forced(tokens, element)
  return matches('(prefers-contrast: more)') ? plainly(tokens, tokens.canvas, tokens.text) : tokens
}

function matches(query: string): boolean { return typeof window.matchMedia === 'function' && window.matchMedia(query).matches }

/** Boxes are lines of the text's colour on the ground. */
function plainly(tokens: Tokens, ground: string, ink: string): Tokens {
  return { ...tokens, boxes: [ground, ground, ground, ground], deepLine: ink, outerLine: ink, plain: true }
}

/** The system's own colours: what is chosen shows by its highlight, all else by text and ground. */
function forced(tokens: Tokens, element: HTMLElement): Tokens {
  const probe = document.createElement('span')
  // The probe has to say what the keyword stands for, not what the page's colours are forced to.
  probe.style.setProperty('forced-color-adjust', 'none')
  element.append(probe)
  const system = (name: string): string => {
    probe.style.color = name
    return hexOf(rgbOf(getComputedStyle(probe).color))
  }
  const ground = system('Canvas')
  const ink = system('CanvasText')
  const chosen = system('Highlight')
  probe.remove()
  return {
    ...plainly(tokens, ground, ink), canvas: ground, surface: ground, text: ink, text2: ink, text3: ink, accent: chosen, select: chosen, pulse: chosen, border: ink,
    ok: ink, warn: ink, danger: ink, past: ink, families: tokens.families.map(() => ink), ramp: tokens.ramp.map(() => ground), rampText: ink,
  }
}
