import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { contrast, hexOf, mix, packColour, rampAt, rgbOf } from '@/graph/colours'

/** The tokens of a theme as they stand in the style sheet. */
function tokensOf(selector: string): Map<string, string> {
  const css = readFileSync('src/ui/tokens.css', 'utf8')
  const block = css.slice(css.indexOf(`${selector} {`)).split('}')[0] ?? ''
  return new Map([...block.matchAll(/--([\w-]+): (#[0-9A-F]{6})/gi)].map(([, name, value]) => [name ?? '', value ?? '']))
}

const THEMES = { light: tokensOf(':root'), dark: tokensOf(":root[data-theme='dark']") }
const BOXES = ['canvas', 'n0', 'n1', 'n2', 'n3']

describe.each(Object.entries(THEMES))('what is drawn in the %s theme', (_, tokens) => {
  const token = (name: string): string => tokens.get(name) ?? ''

  it.each(BOXES)('has titles and names that can be read on %s', (ground) => {
    expect(contrast(token('text'), token(ground))).toBeGreaterThan(7)
    expect(contrast(token('text-2'), token(ground))).toBeGreaterThan(4.5)
    expect(contrast(token('text-3'), token(ground))).toBeGreaterThan(4.5)
  })

  it('has numbers that can be read anywhere on the ramp', () => {
    const stops = [1, 2, 3, 4, 5].map((stop) => token(`ramp-${stop}`))
    for (let place = 0; place <= 1; place += 0.02) expect(contrast(token('ramp-text'), rampAt(stops, place))).toBeGreaterThan(4.5)
  })

  it('has marks of every family that stand out from the ground', () => {
    for (let slot = 1; slot <= 8; slot += 1) for (const ground of ['canvas', 'n3']) expect(contrast(token(`family-${slot}`), token(ground))).toBeGreaterThanOrEqual(3)
  })

  it('has marks in coloured tiles that stand out from every tile', () => {
    const stops = [1, 2, 3, 4, 5].map((stop) => token(`ramp-${stop}`))
    const mark = mix(token('text'), token('canvas'), 0.22)
    for (const stop of stops) expect(contrast(mark, stop)).toBeGreaterThanOrEqual(2.5)
  })
})

describe('colours', () => {
  it('reads what style sheets and computed styles say', () => {
    expect(rgbOf('#0B6A74')).toEqual([11, 106, 116])
    expect(rgbOf(' rgb(11, 106, 116) ')).toEqual([11, 106, 116])
    expect(rgbOf('rgba(11 106 116 / 50%)')).toEqual([11, 106, 116])
    expect(rgbOf('teal')).toEqual([0, 0, 0])
  })

  it('writes back what it read', () => {
    for (const colour of ['#000000', '#ffffff', '#0b6a74']) expect(hexOf(rgbOf(colour))).toBe(colour)
  })

  it('goes from stop to stop of a ramp, and stays at its ends', () => {
    const stops = ['#000000', '#808080', '#ffffff']
    expect(rampAt(stops, 0)).toBe('#000000')
    expect(rampAt(stops, 0.5)).toBe('#808080')
    expect(rampAt(stops, 0.25)).toBe('#404040')
    expect(rampAt(stops, 1)).toBe('#ffffff')
    expect(rampAt(stops, 7)).toBe('#ffffff')
    expect(rampAt(stops, -7)).toBe('#000000')
    expect(rampAt(stops, Number.NaN)).toBe('#000000')
  })

  it('packs four bytes into a float that is a number', () => {
    const bytes = (value: number): number[] => [...new Uint8Array(new Float32Array([value]).buffer)]
    expect(bytes(packColour('#ffffff', 1))).toEqual([255, 255, 255, 254])
    expect(bytes(packColour('#ff8000', 0.5))).toEqual([128, 64, 0, 127])
    expect(packColour('#ffffff', 1)).not.toBeNaN()
    expect(packColour('#123456', 0)).toBe(0)
  })
})
