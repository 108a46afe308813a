/** What is kept of whoever is signed in, here and in the storages of the browser, is not for the next who signs in. */
import { keep, keysOf } from '@/api/kept'
import { useSession } from '@/api/session'

/** Names begin so; what another module keeps under one may not be loaded when somebody signs out. */
const OWNED = {
  tab: ['kastor.draft.', 'kastor.query.'],
  // A new window begins with the queries that another one left.
  browser: ['kastor.query.', 'kastor.advice.', 'kastor.recent.'],
} as const

/** Say how to forget what is in memory of one person. A token that ends is no sign-out: the work goes on with the next one. */
export function onSignOut(forget: () => void): void { useSession.subscribe((now, before) => { if (now.ends !== before.ends) forget() }) }

onSignOut(() => {
  for (const where of ['tab', 'browser'] as const) {
    for (const key of keysOf(where)) if (OWNED[where].some((prefix) => key.startsWith(prefix))) keep(where, key, undefined)
  }
})
