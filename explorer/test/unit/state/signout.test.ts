/** What one person wrote is not opened for the next one. */
import { afterEach, beforeEach, expect, it } from 'vitest'
import { forgetToken, giveToken, waitForToken } from '@/api/session'
import { openTabs, openText, useTabs } from '@/features/query/tabs'
import { changeDraft, draftNow } from '@/parts/drafts'
import { keepForm, waitingForm } from '@/parts/form/kept'
import { beginDraft } from '@/parts/values/draft'
import { askedFor, noteAdvice } from '@/state/advice'
import { keepDraft, readDraft } from '@/state/drafts'

const twin = { kind: 'twin', id: 'a' } as const

beforeEach(() => {
  giveToken('one')
  keepForm('g', 'create-twin', '', { aside: false, value: { id: 'x' } })
  keepDraft('g', 'scene', 's', 'text')
  changeDraft('g', twin, () => beginDraft({ $dtId: 'a' }))
  noteAdvice('g', ['T.a'], 'SELECT secret')
  openTabs('g')
  openText('SELECT secret')
})
afterEach(() => { forgetToken(); sessionStorage.clear(); localStorage.clear() })

it('who signs out leaves no drafts, no queries and no advice behind', () => {
  forgetToken()
  expect([waitingForm('g', 'create-twin'), readDraft('g', 'scene', 's'), draftNow('g', twin), askedFor('g')]).toEqual([undefined, undefined, undefined, []])
  openTabs('g')
  expect(useTabs.getState().tabs.map((each) => each.text)).toEqual([''])
})

it('a token that ends takes nothing away', async () => {
  const waiting = waitForToken('one', 'expired')
  giveToken('two')
  await waiting
  expect([waitingForm('g', 'create-twin'), readDraft('g', 'scene', 's'), draftNow('g', twin) !== undefined, askedFor('g').length]).toEqual(['', 'text', true, 1])
  expect(useTabs.getState().tabs.map((each) => each.text)).toEqual(['SELECT secret'])
})
