import { describe, expect, it } from 'vitest'
import { ApiError } from '@/api/errors'
import { importQueries } from '@/features/query/saved'

describe('importing queries', () => {
  it('leaves what is there under the same name as it is, and says which', async () => {
    const there = new Map([['b', 'SELECT 1']])
    const save = async (name: string, text: string, over?: unknown): Promise<undefined> => {
      await Promise.resolve()
      if (over === 'nothing' && there.has(name)) throw new ApiError(412, 'PreconditionFailed', 'It is there.')
      there.set(name, text)
    }
    expect(await importQueries(save, [{ name: 'a', text: 'A' }, { name: 'b', text: 'B' }, { name: 'c', text: 'C' }])).toEqual([{ name: 'b', text: 'B' }])
    expect([...there]).toEqual([['b', 'SELECT 1'], ['a', 'A'], ['c', 'C']])
  })
})
