import { readdirSync, readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { readFragment, writeFragment } from '@/state/fragment'
import { carried, formatPlace, formatSelection, parsePlace, selecting, selectionOf } from '@/state/url'

it('an address that was written is read as it was', () => {
  const place = { graph: 'plant 1', screen: 'twins', rest: ['a/b%,c'], parameters: { q: "SELECT * FROM DIGITALTWINS T WHERE T.$dtId = 'ä&b'", at: '2026-11-30T12:00:00Z', sel: 'room-2-14,x%2Cy' } } as const
  const written = formatPlace(place)
  const [path = '', search = ''] = written.split('?')
  expect(parsePlace(path, search)).toEqual(place)
})

it('ids with commas can be selected', () => {
  expect(selectionOf({ sel: formatSelection(['a,b', 'c%', 'd/e']) ?? '' })).toEqual(['a,b', 'c%', 'd/e'])
})

it('whatever is selected is written in the one form that is read', () => {
  expect(selectionOf(selecting(['a,b', 'c%', 'd,e/f']))).toEqual(['a,b', 'c%', 'd,e/f'])
  expect(selecting([])).toEqual({})
  const src = `${process.cwd()}/src/`
  const lines = readdirSync(src, { recursive: true, encoding: 'utf8' }).filter((name) => /\.tsx?$/.test(name)).flatMap((name) => readFileSync(src + name, 'utf8').split('\n').map((line) => `${name}: ${line.trim()}`))
  expect(lines.filter((line) => /\bsel: (?!undefined|place\.parameters\.sel\b)/.test(line) && !line.includes('formatSelection('))).toEqual([])
})

it('what is no screen is the graph', () => {
  expect(parsePlace('/g/default/nonsense', '').screen).toBe('graph')
  expect(parsePlace('/%E0%A4%A', '').screen).toBe('graph')
})

it('state goes through the fragment', async () => {
  const state = { camera: { x: 1, y: 2, ratio: 0.5 }, hidden: ['a', 'ü'] }
  expect(await readFragment(`#${await writeFragment(state)}`)).toEqual(state)
  expect(await readFragment('#s=nonsense')).toBeUndefined()
})

it('a selection goes along to exports alone, the instant everywhere', () => {
  const graph = parsePlace('/g/a/graph', '?sel=x,y&at=2026-01-01T00:00:00Z&q=z')
  expect([carried(graph, 'io'), carried(graph, 'query')]).toEqual([{ at: '2026-01-01T00:00:00Z', sel: 'x,y' }, { at: '2026-01-01T00:00:00Z' }])
  expect(carried(parsePlace('/g/a/twins/a%2Cb', ''), 'io')).toEqual({ sel: 'a%2Cb' })
})
