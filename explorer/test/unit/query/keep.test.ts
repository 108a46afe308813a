import 'fake-indexeddb/auto'
import { expect, it } from 'vitest'
import { browserQueries, dropQuery, forgetEntry, history, keepQuery, MOST_KEPT, note, setStar } from '@/features/query/keep'
import { addTab, changeTab, closeTab, isUnsaved, openTabs, openText, parameterOf, titleOf, useTabs } from '@/features/query/tabs'

it('the history keeps the last texts of a graph and those with a star', async () => {
  await note({ graph: 'g', text: 'starred', at: 0, rows: 1 })
  const [first] = await history('g')
  if (!first) throw new Error('nothing was kept')
  await setStar(first, true)
  for (let at = 1; at <= MOST_KEPT + 2; at += 1) await note({ graph: 'g', text: `text ${at}`, at })
  await note({ graph: 'other', text: 'text 1', at: 5 })
  await note({ graph: 'g', text: 'text 50', at: 1000, rows: 7, ms: 3 })
  const entries = await history('g')
  expect(entries).toHaveLength(MOST_KEPT + 1)
  expect(entries[0]).toMatchObject({ text: 'text 50', rows: 7 })
  expect(entries.at(-1)).toMatchObject({ text: 'starred', star: true })
  await forgetEntry(entries[0] ?? first)
  expect((await history('g')).some((each) => each.text === 'text 50')).toBe(false)
})

it('queries are kept by graph and name', async () => {
  await keepQuery({ graph: 'g', name: 'b', text: '2', at: 1 })
  await keepQuery({ graph: 'g', name: 'a', text: '1', at: 1 })
  await keepQuery({ graph: 'h', name: 'c', text: '3', at: 1 })
  expect((await browserQueries('g')).map((each) => each.name)).toEqual(['a', 'b'])
  await dropQuery('g', 'a')
  expect((await browserQueries('g')).map((each) => each.name)).toEqual(['b'])
})

it('tabs outlive a reload, an empty one takes what is opened, a closed one comes back', () => {
  openTabs('g')
  const id = openText('-- warmest rooms\nSELECT 1')
  expect(useTabs.getState().tabs).toHaveLength(1)
  expect(openText('-- warmest rooms\nSELECT 1')).toBe(id)
  addTab()
  const again = closeTab(id)
  expect(useTabs.getState().tabs.map((each) => each.text)).toEqual([''])
  again()
  changeTab(id, { saved: { name: 'Lists › Rooms', text: 'old' } })
  openTabs('other')
  openTabs('g')
  const [tab] = useTabs.getState().tabs
  expect(tab).toMatchObject({ text: '-- warmest rooms\nSELECT 1', saved: { name: 'Lists › Rooms' } })
  expect(tab && [titleOf(tab), titleOf({ id: tab.id, text: tab.text, values: {} }), isUnsaved(tab)]).toEqual(['Rooms', 'Warmest rooms', true])
})

it('a parameter is JSON where it is some', () => {
  expect(['21', 'true', '[1, "a"]', 'abc', '"21"', '{"a": 1}'].map(parameterOf)).toEqual([21, true, [1, 'a'], 'abc', '21', '{"a": 1}'])
})
