/** The newest row is followed, unless one that is still there is read by keyboard. */
import { cleanup, fireEvent, render, screen } from '@testing-library/react'
import { afterEach, expect, it, vi } from 'vitest'
import { List } from '@/features/live/List'
import { Models } from '@/dtdl/models'
import type { SeenEvent } from '@/state/live'

const { went } = vi.hoisted(() => ({ went: vi.fn() }))
vi.mock('@tanstack/react-virtual', () => ({ useVirtualizer: () => ({ scrollToIndex: went, getTotalSize: () => 0, getVirtualItems: () => [] }) }))
vi.mock('@/state/graph', () => ({ useGraph: () => ({ twins: new Map() }), useModels: () => new Models(0, []) }))
afterEach(cleanup)

const seen = (id: number): SeenEvent => ({ position: String(id), arrived: id, event: { id: String(id), source: '', type: 'Microsoft.DigitalTwins.Twin.Create', subject: 'a', data: {} } })
const list = (rows: readonly SeenEvent[]) => <List rows={rows} paused={false} chosen={undefined} onChoose={() => undefined} onTwin={() => undefined} onClose={() => undefined} />

it('goes on when the row that was read has gone', () => {
  const rows = [1, 2, 3, 4].map(seen)
  const { rerender } = render(list(rows.slice(0, 2)))
  fireEvent.keyDown(screen.getByTestId('live.grid'), { key: 'Home' })
  went.mockReset()
  rerender(list(rows.slice(0, 3)))
  expect(went).not.toHaveBeenCalled()
  rerender(list(rows.slice(1, 4)))
  expect(went).toHaveBeenCalledWith(2, { align: 'end' })
})
