/** A worker that cannot be had is told of; nothing waits for it, and nothing else breaks. */
import { afterEach, expect, it, vi } from 'vitest'
import { LayoutWorker } from '@/layout/worker'
import type { LayoutRequest } from '@/layout/types'

class Fake {
  static made: Fake[] = []
  onmessage: ((event: { data: unknown }) => void) | undefined
  onerror: ((event: { message: string }) => void) | undefined
  constructor() { Fake.made.push(this) }
  postMessage({ id }: { id: number }): void { queueMicrotask(() => this.onmessage?.({ data: { id, result: 'laid out' } })) }
  terminate(): void { this.onmessage = undefined }
}
const request = {} as LayoutRequest

afterEach(() => { vi.unstubAllGlobals(); Fake.made = [] })

it('a spare worker that did not load is given to nobody', async () => {
  vi.stubGlobal('Worker', Fake)
  LayoutWorker.prepare()
  Fake.made[0]?.onerror?.({ message: '' })
  const worker = new LayoutWorker()
  expect(await worker.run(request)).toBe('laid out')
  expect(Fake.made).toHaveLength(2)
  worker.destroy()
})

it('where there are no workers the page is shown, and who asks for a layout is told', () => {
  vi.stubGlobal('Worker', class { constructor() { throw new Error('blocked') } })
  LayoutWorker.prepare()
  const worker = new LayoutWorker()
  worker.warm()
  expect(() => worker.run(request)).toThrow('blocked')
})
