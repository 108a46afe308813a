import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { copyText } from '@/ui/copy'

class Copied extends Event {
  text = ''
  readonly clipboardData = { setData: (_type: string, text: string) => { this.text = text } }
}

const keys = vi.fn<(event: Copied) => boolean>()
beforeEach(() => {
  Object.assign(document, { execCommand: () => { const event = new Copied('copy', { cancelable: true }); document.dispatchEvent(event); return keys(event) } })
})
afterEach(() => { vi.unstubAllGlobals(); keys.mockReset() })

it('the clipboard of the browser takes the text', async () => {
  const writeText = vi.fn(async () => { await Promise.resolve() })
  vi.stubGlobal('navigator', { clipboard: { writeText } })
  expect(await copyText('room-2-14')).toBe(true)
  expect(writeText).toHaveBeenCalledWith('room-2-14')
  expect(keys).not.toHaveBeenCalled()
})

it('without one, or where it is refused, the page copies as keys do', async () => {
  for (const clipboard of [undefined, { writeText: () => Promise.reject(new Error('Not allowed.')) }]) {
    vi.stubGlobal('navigator', { clipboard })
    expect(await copyText('room-2-14')).toBe(true)
    expect(keys.mock.lastCall?.[0]).toMatchObject({ text: 'room-2-14', defaultPrevented: true })
  }
})

it('what copies nowhere is told', async () => {
  vi.stubGlobal('navigator', { clipboard: undefined })
  Object.assign(document, { execCommand: () => false })
  expect(await copyText('room-2-14')).toBe(false)
})
