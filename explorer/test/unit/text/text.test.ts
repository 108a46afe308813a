import { expect, it } from 'vitest'
import operate from '@/text/operate.json'
import { addTexts, setLanguage, t } from '@/text/text'

it('chooses the plural form and fills values in', () => {
  expect(t('frame.twins', { n: 1 })).toBe('1 twin')
  expect(t('frame.twins', { n: 1200 })).toBe('1,200 twins')
  expect(t('frame.graph', { name: 'a' })).toBe('Graph: a')
})

it('texts of a screen come with it, and do not hide those of another language', () => {
  setLanguage('de', { operate: { save: 'Sichern' } })
  addTexts(operate)
  expect([t('operate.slow'), t('operate.save')]).toEqual(['Slow queries', 'Sichern'])
  setLanguage('en', {})
  expect(t('operate.save')).toBe('Save')
})
