import { expect, it } from 'vitest'
import { keepForm, readForm, readFormText, waitingForm } from '@/parts/form/kept'

it('a form that was open opens again, one that was put aside waits, another graph has its own', () => {
  expect(keepForm('g', 'route', 'one', { aside: true, value: { filter: 'a' } })).toBe(true)
  expect(waitingForm('g', 'route')).toBeUndefined()
  expect(readForm('g', 'route', 'one')).toEqual({ aside: true, value: { filter: 'a' } })
  keepForm('g', 'route', '', { aside: false, value: { filter: 'b' } })
  expect(waitingForm('g', 'route')).toBe('')
  expect(waitingForm('h', 'route')).toBeUndefined()
  keepForm('g', 'route', '', undefined)
  expect(waitingForm('g', 'route')).toBeUndefined()
})

it('what is too long is not kept, and says so', () => {
  expect(keepForm('g', 'models', '', { aside: false, value: { text: 'x'.repeat(600_000) } })).toBe(false)
  expect(readForm('g', 'models', '')).toBeUndefined()
})

it('what is no form is none', () => { expect(['', '[]', '{"value":1}', '{'].map(readFormText)).toEqual([undefined, undefined, undefined, undefined]) })
