import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { keep } from '@/features/graph/keptViews'

const view = { parameters: { lay: 'tree' }, state: {} }
const answers = (status: number) => vi.fn(async (_input: RequestInfo | URL, init?: RequestInit) => {
  const isNew = new Headers(init?.headers).get('if-none-match') === '*'
  const code = status === 412 && !isNew ? 200 : status
  return Response.json(code === 200 ? {} : { error: { code: 'Refused', message: 'No.' } }, { status: code })
})

beforeEach(() => { localStorage.clear() })
afterEach(() => { vi.unstubAllGlobals() })

describe('keeping a view', () => {
  it('replaces what somebody has saved under the name only when told to', async () => {
    vi.stubGlobal('fetch', answers(412))
    expect(await keep('default', 'Morning', view, false)).toBe('taken')
    expect(await keep('default', 'Morning', view, true)).toBe('server')
  })

  it('does so in the browser as well, where the server keeps none', async () => {
    vi.stubGlobal('fetch', answers(404))
    expect(await keep('default', 'Morning', view, false)).toBe('browser')
    expect(await keep('default', 'Morning', { ...view, parameters: {} }, false)).toBe('taken')
    expect(localStorage.getItem('kastor.views.default')).toContain('tree')
    expect(await keep('default', 'Morning', { ...view, parameters: {} }, true)).toBe('browser')
    expect(localStorage.getItem('kastor.views.default')).not.toContain('tree')
  })
})
