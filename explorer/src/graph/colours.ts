/** Colours as numbers: what the canvases and WebGL need of the tokens. */

export type Rgb = readonly [number, number, number]

const HEX = /^#([0-9a-f]{2})([0-9a-f]{2})([0-9a-f]{2})$/i
const SHORT = /^#([0-9a-f])([0-9a-f])([0-9a-f])$/i
const FUNCTION = /^rgba?\(\s*([\d.]+)[\s,]+([\d.]+)[\s,]+([\d.]+)/

/** Read `#RRGGBB`, `#RGB` or `rgb(r, g, b)`; black where it is none of them. */
export function rgbOf(text: string): Rgb {
  const trimmed = text.trim()
  const hex = HEX.exec(trimmed)
  if (hex) return [parseInt(hex[1] ?? '0', 16), parseInt(hex[2] ?? '0', 16), parseInt(hex[3] ?? '0', 16)]
  const short = SHORT.exec(trimmed)
  if (short) return [parseInt(short[1] ?? '0', 16) * 17, parseInt(short[2] ?? '0', 16) * 17, parseInt(short[3] ?? '0', 16) * 17]
  const parts = FUNCTION.exec(trimmed)
  return parts ? [Number(parts[1]), Number(parts[2]), Number(parts[3])] : [0, 0, 0]
}

export function hexOf(rgb: Rgb): string {
  return `#${rgb.map((part) => Math.max(0, Math.min(255, Math.round(part))).toString(16).padStart(2, '0')).join('')}`
}

/** Return the colour that lies at `share` of the way from `from` to `to`. */
export function mix(from: string, to: string, share: number): string {
  const a = rgbOf(from)
  const b = rgbOf(to)
  return hexOf([a[0] + (b[0] - a[0]) * share, a[1] + (b[1] - a[1]) * share, a[2] + (b[2] - a[2]) * share])
}

/** Return the colour of a ramp's stops at `place`, 0 to 1. */
export function rampAt(stops: readonly string[], place: number): string {
  const first = stops[0] ?? '#000000'
  if (stops.length < 2 || Number.isNaN(place)) return first
  const at = Math.max(0, Math.min(1, place)) * (stops.length - 1)
  const below = Math.min(Math.floor(at), stops.length - 2)
  return mix(stops[below] ?? first, stops[below + 1] ?? first, at - below)
}

function linear(part: number): number {
  const share = part / 255
  return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4
}

export function luminance(colour: string): number {
  const [r, g, b] = rgbOf(colour)
  return 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b)
}

/** Contrast of two colours as WCAG 2 counts it, 1 to 21. */
export function contrast(one: string, other: string): number {
  const [high, low] = [luminance(one), luminance(other)].sort((a, b) => b - a)
  return ((high ?? 0) + 0.05) / ((low ?? 0) + 0.05)
}

const packing = new Float32Array(1)
const packed = new Uint8Array(packing.buffer)

/** Four bytes in one float, premultiplied, as the programs take them. */
export function packColour(colour: string, alpha: number): number {
  const [r, g, b] = rgbOf(colour)
  // 255 as the last byte would make the float a NaN, which engines may rewrite.
  packed[0] = Math.round(r * alpha)
  packed[1] = Math.round(g * alpha)
  packed[2] = Math.round(b * alpha)
  packed[3] = Math.round(254 * alpha)
  return packing[0] ?? 0
}
