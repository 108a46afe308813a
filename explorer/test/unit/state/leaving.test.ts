import { expect, it } from 'vitest'
import { openDialog, useWriteDialog } from '@/parts/dialogs'
import { openRestore, useRestore } from '@/parts/restore/store'
import { useClock } from '@/state/clock'
import { leaveGraph, visitNow } from '@/state/leaving'
import { addToGraph, useShown } from '@/state/shown'
import { did, useActs } from '@/state/undo'

it('nothing of a graph is left when another one is opened', () => {
  did({ name: 'a', kind: 'write', undo: () => undefined, redo: () => undefined })
  openDialog({ kind: 'delete-twins', ids: ['a'] })
  openRestore('2026-01-01T00:00:00Z')
  addToGraph(['a'])
  useClock.setState({ range: [1, 2], playing: true, held: 1, open: true, speed: 600 })
  const before = visitNow()
  leaveGraph()
  expect(visitNow()).not.toBe(before)
  expect(useActs.getState().done).toEqual([])
  expect(useWriteDialog.getState().dialog).toBeUndefined()
  expect(useRestore.getState().to).toBeUndefined()
  expect(useShown.getState().wanted).toEqual([])
  // How somebody likes to look at time is theirs, not the graph's.
  expect(useClock.getState()).toMatchObject({ range: undefined, playing: false, held: undefined, open: true, speed: 600 })
})
