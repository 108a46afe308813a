import { beforeAll, describe, expect, it } from 'vitest'
import { type Scene, sceneOf } from '@/graph/scene'
import { NO_LOOKS, isLine, stateOf } from '@/graph/state'
import type { Looks, Picture } from '@/graph/types'
import { TOKENS, picture } from './picture'

let building: Picture
let scene: Scene
beforeAll(async () => {
  building = await picture()
  scene = sceneOf(building)
})

const index = (id: string): number => scene.indexOf.get(id) ?? -1
const boxOf = (id: string): number => scene.own[index(id)] ?? -1
const state = (looks: Partial<Looks>) => stateOf(scene, { ...NO_LOOKS, ...looks }, TOKENS)

describe('what is shown', () => {
  it('has no line to what is hidden', () => {
    const { edgeShown, boxShown } = state({ hidden: new Set(['room-2-14']) })
    expect(boxShown[boxOf('room-2-14')]).toBe(0)
    for (const edge of scene.at[index('room-2-14')] ?? []) expect(edgeShown[edge]).toBe(0)
  })

  it('has no line of a name that is off', () => {
    const { edgeShown } = state({ hiddenNames: new Set(['feeds']) })
    building.edges.forEach((edge, at) => { expect(edgeShown[at]).toBe(edge.name === 'feeds' ? 0 : 1) })
  })

  it('has the lines of the selection, those that nesting says too', () => {
    const { near } = state({ selected: new Set(['room-2-14']) })
    expect(near.length).toBe(scene.at[index('room-2-14')]?.length)
    expect(near.some((edge) => building.layout.implied[edge] === 1)).toBe(true)
    expect(state({ selected: new Set([building.edges[7]?.key ?? '']) }).near).toEqual([7])
  })

  it('draws what nesting says only for the selection, and the rest when near', () => {
    building.edges.forEach((_, edge) => {
      expect(isLine(scene, edge, false)).toBe(false)
      expect(isLine(scene, edge, true)).toBe(building.layout.implied[edge] !== 1)
    })
  })
})

describe('what is bright', () => {
  it('keeps the boxes around it', () => {
    const { boxBright } = state({ bright: new Set(['room-2-14']) })
    for (const id of ['room-2-14', 'floor-2', 'building-1', 'site-1']) expect(boxBright[boxOf(id)]).toBe(1)
    for (const id of ['floor-3', 'room-2-13']) expect(boxBright[boxOf(id)]).toBe(0)
  })

  it('is all without a choice', () => { expect(state({}).boxBright.every((each) => each === 1)).toBe(true) })
})

describe('the lens', () => {
  it('takes their colour from the marks in coloured tiles, and from no others', () => {
    const { colours, tiles } = state({ lens: new Map([['room-2-14', { text: '21°', ramp: 0.5 }]]) })
    const plain = state({}).colours
    expect(tiles[boxOf('room-2-14')]).toBe(TOKENS.ramp[2])
    building.nodes.forEach((node, at) => {
      const inside = node.id === 'room-2-14' || scene.boxes[scene.home[at] ?? -1]?.id === 'room-2-14'
      expect(colours[at] === plain[at]).toBe(!inside)
    })
  })
})

describe('the lens on a mark', () => {
  it('takes the colour from a leaf that has a value', () => {
    const { colours } = state({ lens: new Map([['temp-2-14', { text: '21°', ramp: 0.5 }]]) })
    const plain = state({}).colours
    building.nodes.forEach((node, at) => { expect(colours[at] === plain[at]).toBe(node.id !== 'temp-2-14') })
  })
})

it('is the same with and without the state before', () => {
  const looks: Partial<Looks>[] = [
    {}, { hidden: new Set(['floor-1']) }, { selected: new Set(['room-2-14']) }, { bright: new Set(['room-2-14']), selected: new Set(['room-2-14']) },
    { lens: new Map([['room-2-14', { text: '21°', ramp: 0.5 }]]) }, { values: new Map([['temp-2-14', { text: '21 °C' }]]) }, { hiddenNames: new Set(['hasSensor']), selected: new Set(['room-2-14']) },
  ]
  let before = state({})
  for (const each of [...looks, ...looks.toReversed()]) {
    const whole = { ...NO_LOOKS, ...each }
    const after = stateOf(scene, whole, TOKENS, before)
    expect(after).toEqual(stateOf(scene, whole, TOKENS))
    before = after
  }
})
