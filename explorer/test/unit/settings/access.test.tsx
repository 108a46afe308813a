import { QueryClient, QueryClientProvider } from '@tanstack/react-query'
import { act, fireEvent, render, screen } from '@testing-library/react'
import { Tooltip } from 'radix-ui'
import { expect, it, vi } from 'vitest'
import { askForToken, useSession } from '@/api/session'
import AccessSheet from '@/features/settings/AccessSheet'
import { Dialog } from '@/ui/dialog'

// Whoever asks is not asked here, and acts are waited for.
vi.hoisted(() => { vi.stubGlobal('IS_REACT_ACT_ENVIRONMENT', true) })
vi.mock('@/state/graph', () => ({ useMe: () => ({ data: undefined }) }))

it('can be used over an open dialog, and left without taking it away', async () => {
  vi.stubGlobal('fetch', () => new Promise(() => undefined))
  const onClose = vi.fn()
  render(
    <QueryClientProvider client={new QueryClient()}>
      <Tooltip.Provider>
        <Dialog open title="Typed" onClose={onClose} testId="below"><input data-testid="typed" /></Dialog>
        <AccessSheet />
      </Tooltip.Provider>
    </QueryClientProvider>,
  )
  await act(async () => { askForToken('expired'); await Promise.resolve() })
  const field = await screen.findByTestId('access.token')
  expect(document.activeElement).toBe(field)
  expect(getComputedStyle(screen.getByTestId('access')).pointerEvents).toBe('auto')
  expect(getComputedStyle(screen.getByTestId('below')).pointerEvents).toBe('none')
  fireEvent.pointerDown(field)
  fireEvent.keyDown(field, { key: 'Escape' })
  expect(useSession.getState().wanted).toBeUndefined()
  expect(screen.queryByTestId('access')).toBeNull()
  expect(onClose).not.toHaveBeenCalled()
})
