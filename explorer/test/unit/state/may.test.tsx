/** A screen that stands alone is only looked at. */
import { QueryClient, QueryClientProvider } from '@tanstack/react-query'
import { cleanup, renderHook } from '@testing-library/react'
import type { ReactNode } from 'react'
import { afterEach, expect, it, vi } from 'vitest'
import { GraphProvider, useMay } from '@/state/graph'

const { flags, off } = vi.hoisted(() => ({ flags: { isEmbedded: false }, off: () => undefined }))
vi.mock('@/state/url', () => ({ get isEmbedded() { return flags.isEmbedded } }))
vi.mock('@/state/live', () => ({ makeFeed: () => ({ listen: () => off, onModels: () => off, onGap: () => off, start: () => off }) }))
vi.mock('@/state/eventlog', () => ({ logOf: off }))
afterEach(cleanup)

const permissions = ['digitaltwins/read', 'digitaltwins/write', 'digitaltwins/relationships/delete', 'digitaltwins/telemetry/action', 'query/action']
function allowed(at?: string): readonly string[] {
  const client = new QueryClient()
  client.setQueryData(['g', 'me'], { permissions })
  const wrapper = ({ children }: { children: ReactNode }): ReactNode => <QueryClientProvider client={client}><GraphProvider name="g" at={at}>{children}</GraphProvider></QueryClientProvider>
  const { result } = renderHook(useMay, { wrapper })
  return permissions.filter((each) => result.current(each))
}

it('who may write may do so on a whole page, in the present', () => {
  expect(allowed()).toEqual(permissions)
  expect(allowed('2026-01-01T00:00:00Z')).toEqual(['digitaltwins/read', 'query/action'])
})

it('alone, everything is read and nothing written', () => {
  flags.isEmbedded = true
  expect(allowed()).toEqual(['digitaltwins/read', 'query/action'])
})
