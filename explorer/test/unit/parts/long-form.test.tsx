/** What is too long to be kept is not written out to find that out, and leaves no older draft. */
import { act, cleanup, renderHook } from '@testing-library/react'
import { afterEach, expect, it, vi } from 'vitest'
import { readForm } from '@/parts/form/kept'
import { useForm } from '@/parts/form/useForm'

vi.mock('@/state/graph', () => ({ useGraph: () => ({ name: 'g' }) }))
afterEach(() => { cleanup(); sessionStorage.clear() })

it('write says that it is too long', () => {
  const toJSON = vi.fn(() => 'text')
  const { result } = renderHook(() => useForm<{ text: { length: number; toJSON: () => string } }>({
    kind: 'long', name: '', begin: () => ({ text: { length: 0, toJSON } }), read: () => ({}), write: (value) => (value.text.length > 10 ? undefined : { length: value.text.length }),
  }))
  act(() => { result.current.change({ text: { length: 5, toJSON } }) })
  expect([result.current.isFleeting, readForm('g', 'long', '')?.value]).toEqual([false, { length: 5 }])
  act(() => { result.current.change({ text: { length: 50, toJSON } }) })
  expect([result.current.isFleeting, readForm('g', 'long', '')]).toEqual([true, undefined])
  expect(toJSON).not.toHaveBeenCalled()
})
