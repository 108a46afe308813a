import { expect, it } from 'vitest'
import { type QueryTab, tabFor, titleOf } from '@/features/query/tabs'

const tab = (id: string, text: string, more: Partial<QueryTab> = {}): QueryTab => ({ id, text, values: {}, ...more })
const popped = { wasPopped: true, hasRun: true }

it('Back brings a text back, but never over what was typed', () => {
  const ran = tab('a', 'SELECT 2', { ran: 'SELECT 2' })
  expect(tabFor('SELECT 1', [ran], ran, popped)).toEqual({ id: 'a', takesText: true })
  const typed = tab('a', 'SELECT 2 AND', { ran: 'SELECT 2' })
  expect(tabFor('SELECT 1', [typed], typed, popped)).toBeUndefined()
  const saved = tab('a', 'SELECT 3', { saved: { name: 's', text: 'SELECT 3' } })
  expect(tabFor('SELECT 1', [saved], saved, popped)).toEqual({ id: 'a', takesText: true })
  expect(tabFor('SELECT 1', [tab('a', '')], tab('a', ''), popped)).toEqual({ id: 'a', takesText: true })
})

it('any other way to a query opens the tab that has it, or a new one', () => {
  const [one, two] = [tab('a', 'SELECT 1'), tab('b', 'SELECT 2 AND', { ran: 'SELECT 2' })]
  expect(tabFor('SELECT 1', [one, two], two, { wasPopped: false, hasRun: true })).toEqual({ id: 'a', takesText: false })
  expect(tabFor('SELECT 2', [one, two], one, { wasPopped: false, hasRun: false })).toEqual({ id: 'b', takesText: false })
  expect(tabFor('SELECT 9', [one, two], one, { wasPopped: false, hasRun: true })).toBeUndefined()
})

it('a tab is called by the comment of its language, else by its text', () => {
  expect(titleOf(tab('a', '-- warm rooms\nSELECT 1'))).toBe('Warm rooms')
  expect(titleOf(tab('a', '// warm rooms\nMATCH (a)\n--(b) RETURN a'))).toBe('Warm rooms')
  expect(titleOf(tab('a', 'MATCH (a)\n--(b) RETURN a'))).toBe('MATCH (a) --(b) RETURN a')
})
