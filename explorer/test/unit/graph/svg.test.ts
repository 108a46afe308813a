import { beforeAll, describe, expect, it } from 'vitest'
import { SvgPen, toSvg } from '@/graph/svg'
import { runLayout } from '@/layout/run'
import type { Picture } from '@/graph/types'
import { picture, seen } from './picture'

let building: Picture
beforeAll(async () => { building = await picture() })

function parsed(svg: string): Document {
  const document = new DOMParser().parseFromString(svg, 'image/svg+xml')
  expect(document.querySelector('parsererror')).toBeNull()
  return document
}

const texts = (document: Document): string[] => [...document.querySelectorAll('text')].map((text) => text.textContent ?? '')

describe('the picture as SVG', () => {
  it('has every box, every mark and the titles', () => {
    const document = parsed(toSvg(seen(building)))
    // The ground, a rectangle for each box, and a square mark for each twin that has one.
    const squares = building.nodes.filter((node) => node.look.shape === 'square').length
    expect(document.querySelectorAll('rect')).toHaveLength(1 + building.layout.boxes.length + squares)
    expect(texts(document)).toEqual(expect.arrayContaining(['Millpond Quay', 'Castor House', 'Top floor', 'Ground floor', 'Hazel']))
  })

  it('shows all of it, wherever one looks', () => {
    const whole = toSvg(seen(building))
    const near = seen(building, {}, 0.1)
    expect(toSvg(near)).toBe(whole)
  })

  it('is the same each time', () => { expect(toSvg(seen(building))).toBe(toSvg(seen(building))) })

  it('prints what the lens says and colours the tile by it', () => {
    const document = parsed(toSvg(seen(building, { lens: new Map([['room-2-14', { text: '20.7°', ramp: 1 }]]) })))
    expect(texts(document)).toContain('20.7°')
    expect(document.querySelectorAll('rect[fill="#e08e6b"]')).toHaveLength(1)
  })

  it('leaves out what is hidden', () => {
    const rooms = building.nodes.filter((node) => node.id.startsWith('room-')).map((node) => node.id)
    const found = texts(parsed(toSvg(seen(building, { hidden: new Set(rooms) }))))
    expect(found).toContain('Top floor')
    expect(found).not.toContain('Hazel')
  })

  it('fades all but what is bright', () => {
    const document = parsed(toSvg(seen(building, { bright: new Set(['room-2-14']) })))
    expect(document.querySelectorAll('[opacity="0.22"]').length).toBeGreaterThan(300)
  })

  it('writes names that are no markup', () => {
    const evil = { ...building, nodes: building.nodes.map((node) => (node.id === 'floor-4' ? { ...node, label: '<b onload="x">&\u0001' } : node)) }
    expect(texts(parsed(toSvg(seen(evil))))).toContain('<b onload="x">&')
  })

  it('refuses more marks than a program can open', () => {
    const many = { ...building, nodes: Array.from({ length: 5001 }, (_, index) => ({ ...building.nodes[0], id: `x${index}` })) as unknown as Picture['nodes'] }
    expect(() => toSvg({ ...seen(building), scene: { ...seen(building).scene, nodes: many.nodes } })).toThrow(RangeError)
  })

  it.each(['tree', 'radial'] as const)('draws %s without boxes', async (kind) => {
    const document = parsed(toSvg(seen(await picture(kind))))
    expect(texts(document)).toContain('Castor House')
    expect(document.querySelectorAll('path').length).toBeGreaterThan(0)
  })
})

it('draws the map with longitudes and latitudes at round numbers', async () => {
  const nodes = [[4.9, 52.37], [13.4, 52.52], [-0.13, 51.5], [2.35, 48.86], [12.5, 41.9]].map(([east, north], index) => ({ id: `t${index}`, model: 'dtmi:a:Town;1', label: `Town ${index}`, point: [east ?? 0, north ?? 0] as const }))
  const layout = await runLayout({ kind: 'map', nodes, edges: [], options: { aspect: 1.4 } })
  const towns: Picture = { layout, edges: [], nodes: nodes.map(({ id, model, label }) => ({ id, model, label, orphan: false, look: { shape: 'circle', hole: false, slot: 1 } })) }
  const found = texts(parsed(toSvg(seen(towns))))
  expect(found).toEqual(expect.arrayContaining(['Town 0', 'Town 4', '4°', '10°', '44°', '50°']))
  expect(found.filter((text) => text.endsWith('°')).length).toBeLessThan(30)
})

describe('the pen for SVG', () => {
  it('rounds a corner as a canvas does', () => {
    const pen = new SvgPen()
    pen.path([{ to: 'move', x: 20, y: 0 }, { to: 'corner', x: 0, y: 0, nextX: 0, nextY: 50, radius: 5 }, { to: 'line', x: 0, y: 50 }], { stroke: '#000000' })
    expect(pen.document(10, 10, '#ffffff', 'Inter')).toContain('d="M20 0L5 0Q0 0 0 5L0 50"')
  })
})
