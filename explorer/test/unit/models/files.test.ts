import { strToU8, zipSync } from 'fflate'
import { expect, it } from 'vitest'
import { readFiles } from '@/features/models/files'

it('reads large models of an archive on this page: a worker of a blob is not let in', async () => {
  const large = JSON.stringify({ '@id': 'dtmi:a;1', comment: 'x'.repeat(600_000) })
  const archive = zipSync({ 'models/a.json': strToU8(large), 'read.me': strToU8('no') }, { level: 1 })
  // jsdom's files do not give their bytes.
  const file = Object.assign(new File([], 'models.zip'), { arrayBuffer: () => Promise.resolve(archive.buffer) })
  const { texts, unread } = await readFiles([file])
  expect(texts.map((each) => [each.file, each.text.length])).toEqual([['models.zip/models/a.json', large.length]])
  expect(unread).toEqual([])
})
