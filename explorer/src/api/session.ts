/** The token of this page: in memory, or for this tab where its owner says so. */
import { create } from 'zustand'
import { keep, kept } from './kept'

const KEPT = 'kastor.token'

interface Session {
  readonly token: string | undefined
  /** Why a token is asked for, while it is. */
  readonly wanted: 'missing' | 'refused' | 'expired' | undefined
  /** Requests wait: nothing goes on without a token. */
  readonly waits: boolean
  /** Counts how often somebody signed out: what was read for one is not shown to the next. */
  readonly ends: number
}

export const useSession = create<Session>(() => ({ token: kept('tab', KEPT), wanted: undefined, waits: false, ends: 0 }))

let waiting: (() => void)[] = []

/** Resolve when a token was given after `refused` was not taken. */
export function waitForToken(refused: string | undefined, wanted: NonNullable<Session['wanted']>): Promise<void> {
  if (useSession.getState().token !== refused) return Promise.resolve()
  useSession.setState({ wanted, waits: true })
  return new Promise((resolve) => waiting.push(resolve))
}

/** Ask for a token though nothing waits for one. */
export function askForToken(wanted: NonNullable<Session['wanted']>): void { useSession.setState({ wanted }) }

/** Ask no more; where requests wait one has to go on asking. */
export function stopAsking(): void { if (!useSession.getState().waits) useSession.setState({ wanted: undefined }) }

/** Take a token; requests that waited for one are sent again. */
export function giveToken(token: string, options: { keep: boolean } = { keep: false }): void {
  keep('tab', KEPT, undefined)
  if (options.keep) keep('tab', KEPT, token)
  useSession.setState({ token, wanted: undefined, waits: false })
  const all = waiting
  waiting = []
  for (const resolve of all) resolve()
}

export function forgetToken(): void {
  keep('tab', KEPT, undefined)
  useSession.setState(({ ends }) => ({ token: undefined, wanted: undefined, ends: ends + 1 }))
}
