import { expect, it, vi } from 'vitest'
import { meantBy } from '@/commands/Palette'
import type { Found } from '@/commands/sources'

vi.hoisted(() => { vi.stubGlobal('matchMedia', () => ({ matches: false, addEventListener: () => undefined })) })

const row = (key: string, isOld = false): Found => ({ key, group: '', text: key, marks: [], context: '', isOld, run: () => undefined })

it('Enter before the answer means what the answer says', () => {
  expect(meantBy({ key: 'a', isFirst: true }, [row('a', true)])).toBeUndefined()
  expect(meantBy({ key: 'a', isFirst: true }, [row('b'), row('a')])?.key).toBe('a')
  expect(meantBy({ key: 'a', isFirst: true }, [row('b')])?.key).toBe('b')
  expect(meantBy({ key: 'a', isFirst: false }, [row('b')])).toBeUndefined()
  expect(meantBy({ key: 'a', isFirst: true }, [])).toBeUndefined()
})
