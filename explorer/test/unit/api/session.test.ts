import { expect, it } from 'vitest'
import { askForToken, forgetToken, giveToken, stopAsking, useSession, waitForToken } from '@/api/session'

it('asks until a token is there while requests wait, and is left alone else', async () => {
  askForToken('missing')
  stopAsking()
  expect(useSession.getState().wanted).toBeUndefined()
  const waiting = waitForToken(undefined, 'missing')
  stopAsking()
  expect(useSession.getState()).toMatchObject({ wanted: 'missing', waits: true })
  giveToken('a')
  await waiting
  expect(useSession.getState()).toMatchObject({ wanted: undefined, waits: false, token: 'a' })
  forgetToken()
})
