import { expect, it } from 'vitest'
import { keepable } from '@/features/models/Upload'

it('all files of an upload together say whether it is kept', () => {
  const part = (text: string): { file: string; text: string } => ({ file: 'a.json', text })
  const written = { texts: [part('x'.repeat(300_000))], pasted: '', mending: [] }
  expect(keepable(written)).toBe(written)
  expect(keepable({ ...written, texts: [...written.texts, part('x'.repeat(300_000))] })).toBeUndefined()
  expect(keepable({ ...written, pasted: 'x'.repeat(300_000) })).toBeUndefined()
})
