import { expect, it } from 'vitest'
import { haunt, layToRest, put, reset, screen, take } from '@/features/graph/store'
import { withGhosts } from '@/features/graph/view'
import { merged, NOTHING, type StructureEdge, type StructureNode } from '@/parts/structure/structure'

const node = (id: string): StructureNode => ({ id, model: 'm', label: id })
const line = (source: string, target: string): StructureEdge => ({ key: `${source}/${target}`, id: target, source, target, name: 'has' })
const loaded = (...ids: readonly string[]): Parameters<typeof take>[0] => ({ structure: merged(NOTHING, ids.map(node), []), scope: 'whole', schema: undefined, cut: undefined })
const seen = (): readonly unknown[] => [[...screen().structure.nodes.keys()], [...screen().structure.edges.keys()], [...screen().gone]]

it('what was removed is in the picture and not there, until it is laid to rest', () => {
  reset({})
  take(loaded('room'), undefined, 'q')
  const { loads } = screen()
  haunt([node('old')], [line('room', 'old'), line('room', 'nowhere')])
  expect(seen()).toEqual([['room', 'old'], ['room/old'], ['old', 'room/old']])
  // It finds its place in the picture that is there.
  expect(screen().loads).toBe(loads)
  layToRest(['old', 'room/old'])
  expect(seen()).toEqual([['room'], [], []])
})

it('what is there again is no ghost, and stays when those go', () => {
  reset({})
  take(loaded('room'), undefined, 'q')
  haunt([node('old')], [line('room', 'old')])
  put([node('old')], [])
  layToRest(['old', 'room/old'])
  expect(seen()).toEqual([['room', 'old'], [], []])
})

it('ghosts are drawn, what else is gone is not, and what is there again has no mark', () => {
  const marked = new Map([['old', 'removed'], ['back', 'removed'], ['new', 'added']] as const)
  const { differences, away } = withGhosts(marked, new Set(['old', 'other']))
  expect([[...differences.keys()], [...away]]).toEqual([['old', 'new'], ['other']])
})
