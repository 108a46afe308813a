import { renderHook } from '@testing-library/react'
import { expect, it } from 'vitest'
import { useTurn } from '@/features/io/useTurn'

it('a content of the same length is another one, and the same text made anew is not', () => {
  const hook = renderHook(({ text }) => useTurn(text), { initialProps: { text: 'name,age' } })
  const first = hook.result.current
  hook.rerender({ text: ['name', 'age'].join(',') })
  expect(hook.result.current).toBe(first)
  hook.rerender({ text: 'name,eon' })
  const second = hook.result.current
  expect(second).not.toBe(first)
  hook.rerender({ text: 'name,age' })
  expect([first, second]).not.toContain(hook.result.current)
})
