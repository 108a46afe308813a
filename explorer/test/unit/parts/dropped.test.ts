import { expect, it } from 'vitest'
import { filesIn, kindOfHead, meantFor } from '@/parts/dropped'

const model = '{"@id": "dtmi:a;1", "@type": "Interface", "@context": "dtmi:dtdl:context;3"}'
const graph = '{"digitalTwinsFileInfo": {"fileVersion": "1.0.0"}, "digitalTwinsGraph": {}, "digitalTwinsModels": [{"@type": "Interface"}]}'
const file = (name: string, text: string): File => {
  const made = new File([text], name)
  // jsdom's files have no text of their own.
  return Object.assign(made, { slice: () => ({ text: () => Promise.resolve(text) }) })
}
const meant = async (unknown: 'models' | 'io', ...files: readonly File[]): Promise<unknown> => {
  const found = await meantFor(files, unknown)
  return found && [found.to, found.files.map((each) => each.name)]
}

it('content says what a file is, and its name where content cannot', () => {
  expect(kindOfHead('x.json', model)).toBe('models')
  expect(kindOfHead('x.json', `[${model}]`)).toBe('models')
  expect(kindOfHead('x.json', '{"@type": ["Interface", "Mine"]}')).toBe('models')
  expect(kindOfHead('x.json', graph)).toBe('graph')
  expect(kindOfHead('x.txt', '{"Section": "Header"}')).toBe('graph')
  expect(['a.csv', 'a.xlsx', 'a.ndjson'].map((name) => kindOfHead(name, ''))).toEqual(['graph', 'graph', 'graph'])
  expect([kindOfHead('all.zip', ''), kindOfHead('x.json', '{"name": "Interface"}')]).toEqual(['models', 'unknown'])
})

it('models go together, so do the files of an import, and the screen decides where nothing else does', async () => {
  expect(await meant('io', file('a.json', model), file('b.json', model), file('notes.csv', ''))).toEqual(['models', ['a.json', 'b.json']])
  expect(await meant('io', file('a.json', graph), file('b.csv', ''))).toEqual(['io', ['a.json', 'b.csv']])
  expect(await meant('models', file('table.csv', ''))).toEqual(['io', ['table.csv']])
  expect(await meant('models', file('broken.json', '{"@id'))).toEqual(['models', ['broken.json']])
  expect(await meant('io', file('broken.json', '{"@id'))).toEqual(['io', ['broken.json']])
  expect(await meant('io')).toBeUndefined()
})

it('says which files do not go with the models', async () => {
  const found = await meantFor([file('a.json', model), file('notes.csv', ''), file('b.json', model)], 'io')
  expect(found?.left.map((each) => each.name)).toEqual(['notes.csv'])
  expect((await meantFor([file('a.json', graph), file('b.csv', '')], 'io'))?.left).toEqual([])
})

it('goes into folders', async () => {
  const leaf = (name: string): unknown => ({ isFile: true, isDirectory: false, file: (take: (file: File) => void) => { take(file(name, '')) } })
  const folder = (...inner: readonly unknown[]): unknown => { const parts = [[...inner], []]; return { isFile: false, isDirectory: true, createReader: () => ({ readEntries: (take: (some: unknown) => void) => { take(parts.shift() ?? []) } }) } }
  const found = await filesIn([folder(leaf('a'), folder(leaf('b'))), leaf('c'), file('d', '')] as never)
  expect(found.map((each) => each.name)).toEqual(['a', 'b', 'c', 'd'])
})
