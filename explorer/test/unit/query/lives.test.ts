import { afterEach, expect, it, vi } from 'vitest'
import { startLive, stopAllLives, useLives } from '@/features/query/live'
import { cancelAll, run, useRuns } from '@/features/query/runs'
import { openTabs, useTabs } from '@/features/query/tabs'

afterEach(() => { vi.unstubAllGlobals() })

it('what was asked of one graph ends when another one is looked at', async () => {
  const signals: AbortSignal[] = []
  vi.stubGlobal('fetch', (_url: string, init: RequestInit) => new Promise((_resolve, reject) => {
    if (init.signal) { signals.push(init.signal); init.signal.addEventListener('abort', () => { reject(new DOMException('', 'AbortError')) }) }
  }))
  openTabs('one')
  const [tab] = useTabs.getState().tabs
  const id = tab?.id ?? ''
  startLive(id, 'one', 'SELECT * FROM DIGITALTWINS', {})
  const asked = run(id, { text: 'SELECT 1', start: 0, end: 8 }, { graph: 'one', at: undefined, parameters: {} })
  // The new screen opens its tabs before the old one ends.
  openTabs('two')
  stopAllLives()
  cancelAll()
  await asked
  expect(signals.map((each) => each.aborted)).toEqual([true, true])
  expect(useLives.getState().byTab).toEqual({})
  expect(useRuns.getState().byTab[id]?.state).toBe('cancelled')
})
