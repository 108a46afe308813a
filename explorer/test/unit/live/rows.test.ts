import { expect, it, vi } from 'vitest'

// The settings ask for the look of the machine, which jsdom does not have.
vi.hoisted(() => { vi.stubGlobal('matchMedia', () => ({ matches: false, addEventListener: () => undefined })) })
const { rowAfter } = await import('@/features/live/List')

it('keys go from row to row, from the newest at first, and not beyond the ends', () => {
  expect(['ArrowUp', 'ArrowDown', 'PageUp', 'Home', 'End'].map((key) => rowAfter(key, 50, 100))).toEqual([49, 51, 40, 0, 99])
  expect(['ArrowUp', 'ArrowDown', 'Home'].map((key) => rowAfter(key, -1, 100))).toEqual([99, 99, 0])
  expect([rowAfter('ArrowUp', 0, 100), rowAfter('PageDown', 95, 100), rowAfter('x', 5, 100), rowAfter('ArrowUp', -1, 0)]).toEqual([0, 99, undefined, undefined])
})
