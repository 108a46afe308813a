import { afterEach, expect, it, vi } from 'vitest'
import { keep, kept } from '@/api/kept'
import { keepDraft, readDraft } from '@/state/drafts'
import { noteRecent, recentTwins } from '@/state/recent'

afterEach(() => { vi.restoreAllMocks() })

function full(): void { vi.spyOn(Storage.prototype, 'setItem').mockImplementation(() => { throw new DOMException('', 'QuotaExceededError') }) }

it('a full store keeps what it had, and says so', () => {
  expect(keep('tab', 'a', 'one')).toBe(true)
  full()
  expect(keep('tab', 'a', 'two')).toBe(false)
  expect(kept('tab', 'a')).toBe('one')
  expect(keepDraft('g', 'twin', 'b', 'text')).toBe(false)
  noteRecent('g', { id: 'a', name: 'a', model: 'm' })
  expect(recentTwins('g')).toEqual([])
})

it('a draft that grew too long is no longer the one before', () => {
  expect(keepDraft('g', 'twin', 'a', 'short')).toBe(true)
  expect(keepDraft('g', 'twin', 'a', 'x'.repeat(500_001))).toBe(false)
  expect(readDraft('g', 'twin', 'a')).toBeUndefined()
})

it('a closed store breaks nothing', () => {
  vi.spyOn(Storage.prototype, 'getItem').mockImplementation(() => { throw new DOMException('', 'SecurityError') })
  expect(kept('browser', 'a')).toBeUndefined()
})
