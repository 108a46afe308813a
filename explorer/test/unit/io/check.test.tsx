/** An upload that ends shows its import to whoever waits for it, and moves nobody who went elsewhere. */
import { act, cleanup, fireEvent, render, screen } from '@testing-library/react'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { Check } from '@/features/io/Check'
import type { Place } from '@/state/url'

const { go, place, toasted, ends } = vi.hoisted(() => ({ go: vi.fn(), place: { screen: 'io', graph: 'g' }, toasted: vi.fn(), ends: { upload: undefined as ((id: string) => void) | undefined } }))
vi.mock('@/state/graph', () => ({ useGraph: () => ({ name: 'g' }) }))
vi.mock('@/state/url', () => ({ useGoing: () => ({ go }), currentPlace: () => place }))
vi.mock('@/ui/toasts', () => ({ toast: toasted }))
vi.mock('@tanstack/react-query', () => ({ useQueryClient: () => ({ invalidateQueries: () => undefined }) }))
vi.mock('@/features/io/useBrought', () => ({ useBrought: () => ({ contents: undefined, isUnread: true, there: undefined }) }))
vi.mock('@/features/io/Preview', () => ({ Preview: () => null }))
vi.mock('@/features/io/Progress', () => ({ CancelButton: () => null, Progress: () => null, Tiles: () => null }))
vi.mock('@/features/io/Report', () => ({ Reported: () => null, Unread: () => null }))
vi.mock('@/features/io/jobs', () => ({
  beginImport: () => new Promise((resolve) => { ends.upload = resolve }), hasEnded: () => false, useImportJob: () => ({ data: undefined }), useReport: () => ({ data: undefined }),
}))

const shown: Pick<Place, 'graph' | 'screen' | 'rest'> = { graph: 'g', screen: 'io', rest: ['import', 'job'] }
beforeEach(() => {
  Object.assign(place, { screen: 'io', graph: 'g' })
  render(<Check name="a.ndjson" body="" graph={undefined} origins={undefined} />)
  fireEvent.click(screen.getByTestId('io.run'))
})
afterEach(() => { cleanup(); go.mockReset(); toasted.mockReset() })
const end = async (): Promise<void> => { await act(async () => { ends.upload?.('job'); await Promise.resolve() }) }

it('is shown to whoever waits', async () => {
  await end()
  expect(go.mock.calls).toEqual([[shown]])
  expect(toasted).not.toHaveBeenCalled()
})

it('moves nobody who left, and says where it is', async () => {
  cleanup()
  Object.assign(place, { graph: 'other' })
  await end()
  expect(go).not.toHaveBeenCalled()
  const [[said]] = toasted.mock.calls as [[{ act: { run: () => void } }]]
  said.act.run()
  expect(go.mock.calls).toEqual([[shown]])
})
