import { expect, it } from 'vitest'
import { t } from '@/text/text'

it('chooses the plural form and fills values in', () => {
  expect(t('frame.twins', { n: 1 })).toBe('1 twin')
  expect(t('frame.twins', { n: 1200 })).toBe('1,200 twins')
  expect(t('frame.graph', { name: 'a' })).toBe('Graph: a')
})
