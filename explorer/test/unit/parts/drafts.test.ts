import { act, renderHook } from '@testing-library/react'
import { beforeEach, describe, expect, it } from 'vitest'
import { useDraftOfSeveral } from '@/parts/drafts'
import { beginDraft, edited } from '@/parts/values/draft'

beforeEach(() => { sessionStorage.clear() })

describe('an edit of several twins', () => {
  it('stays with the twins that it was begun for, in whatever order they are selected', () => {
    const hook = renderHook(({ ids }) => useDraftOfSeveral('several', ids), { initialProps: { ids: ['a', 'b'] } })
    act(() => { hook.result.current[1](() => edited(beginDraft({ name: 'Hazel' }), [{ path: '/name', value: 'Beech' }], 0)) })
    expect(hook.result.current[0]?.done).toBe(1)
    hook.rerender({ ids: ['a', 'b', 'c'] })
    expect(hook.result.current[0]).toBeUndefined()
    hook.rerender({ ids: ['b', 'a'] })
    expect(hook.result.current[0]?.done).toBe(1)
    act(() => { hook.result.current[1](() => undefined) })
    expect(sessionStorage).toHaveLength(0)
  })
})
