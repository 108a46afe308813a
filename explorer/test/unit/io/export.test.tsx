/** An export ends with the page that shows it. */
import { act, cleanup, fireEvent, render, screen } from '@testing-library/react'
import { afterEach, expect, it, vi } from 'vitest'
import { Models } from '@/dtdl/models'
import { Export } from '@/features/io/Export'

const { saving, toasted } = vi.hoisted(() => ({ saving: { signal: undefined as AbortSignal | undefined, end: undefined as (() => void) | undefined }, toasted: vi.fn() }))
vi.mock('@/state/graph', () => ({ useGraph: () => ({ name: 'g', at: undefined }), useModels: () => new Models(0, []) }))
vi.mock('@/state/url', () => ({ useGoing: () => ({ place: { parameters: {} } }), selectionOf: () => [] }))
vi.mock('@/ui/toasts', () => ({ toast: toasted }))
vi.mock('@/features/io/saving', () => ({ save: ({ signal }: { signal: AbortSignal }) => { saving.signal = signal; return new Promise<void>((resolve) => { saving.end = resolve }) } }))
afterEach(() => { cleanup(); toasted.mockReset() })

const begin = (): void => { render(<Export />); fireEvent.click(screen.getByTestId('io.export')) }

it('is ended when its page is left, which is said', () => {
  begin()
  expect(saving.signal?.aborted).toBe(false)
  cleanup()
  expect(saving.signal?.aborted).toBe(true)
  expect(toasted).toHaveBeenCalledOnce()
})

it('that has ended is left without a word', async () => {
  begin()
  await act(async () => { saving.end?.(); await Promise.resolve() })
  cleanup()
  expect(toasted).not.toHaveBeenCalled()
})
