import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { keepRenewed, type Renewal } from '@/api/renewal'
import { forgetToken, giveToken, useSession } from '@/api/session'

beforeEach(() => { vi.useFakeTimers(); giveToken('one') })
afterEach(() => { vi.useRealTimers(); forgetToken() })

function renewing(renew: () => Promise<string>, more: Partial<Renewal<string>> = {}): void {
  keepRenewed({ token: 'one', seconds: 3600, renew, take: (token) => { giveToken(token) }, isRefused: () => false, ...more })
}

it('renews before the end', async () => {
  renewing(() => Promise.resolve('two'))
  await vi.advanceTimersByTimeAsync(3_479_000)
  expect(useSession.getState().token).toBe('one')
  await vi.advanceTimersByTimeAsync(1_000)
  expect(useSession.getState().token).toBe('two')
})

it('never brings a token back that was given up, asked already or not', async () => {
  const renew = vi.fn(() => new Promise<string>((resolve) => { setTimeout(() => { resolve('two') }, 5_000) }))
  renewing(renew)
  await vi.advanceTimersByTimeAsync(3_481_000)
  expect(renew).toHaveBeenCalledOnce()
  forgetToken()
  await vi.advanceTimersByTimeAsync(10_000)
  expect(useSession.getState().token).toBeUndefined()
  giveToken('one')
  renewing(renew)
  giveToken('of somebody else')
  await vi.advanceTimersByTimeAsync(4_000_000)
  expect(renew).toHaveBeenCalledOnce()
  expect(useSession.getState().token).toBe('of somebody else')
})

it('tries again until the end, and asks then', async () => {
  const renew = vi.fn(() => Promise.reject(new Error('no answer')))
  renewing(renew)
  await vi.advanceTimersByTimeAsync(3_490_000)
  expect(renew.mock.calls.length).toBeGreaterThan(1)
  expect(useSession.getState().wanted).toBeUndefined()
  await vi.advanceTimersByTimeAsync(110_000)
  expect(useSession.getState().wanted).toBe('expired')
})

it('asks at once where the issuer refuses', async () => {
  renewing(() => Promise.reject(new Error('refused')), { isRefused: () => true })
  await vi.advanceTimersByTimeAsync(3_480_000)
  expect(useSession.getState().wanted).toBe('expired')
})

it('waits no longer than a timer can', async () => {
  const renew = vi.fn(() => Promise.resolve('two'))
  renewing(renew, { seconds: 90 * 86_400 })
  await vi.advanceTimersByTimeAsync(60_000)
  expect(renew).not.toHaveBeenCalled()
})
