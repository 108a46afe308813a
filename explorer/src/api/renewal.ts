/** Renews a token before its end, as long as it is the one of this page. */
import { askForToken, useSession } from './session'

const BEFORE_END_MS = 120_000
const LEAST_MS = 10_000
/** A timer cannot wait longer. */
const MOST_MS = 2 ** 31 - 1
const FIRST_PAUSE = 2_000
const LONGEST_PAUSE = 30_000

export interface Renewal<T> {
  readonly token: string
  /** How long it lasts from now. */
  readonly seconds: number
  readonly renew: () => Promise<T>
  readonly take: (renewed: T) => void
  /** Whether asking again cannot help. */
  readonly isRefused: (error: unknown) => boolean
}

/** Whoever signs out or gives another token meanwhile ends it: a late answer is not taken. */
export function keepRenewed<T>({ token, seconds, renew, take, isRefused }: Renewal<T>): void {
  const end = Date.now() + seconds * 1000
  let timer: ReturnType<typeof setTimeout> | undefined
  let isOver = false
  const off = useSession.subscribe((now) => { if (now.token !== token) finish() })
  const finish = (): void => {
    isOver = true
    clearTimeout(timer)
    off()
  }
  const attempt = async (pause: number): Promise<void> => {
    try {
      const renewed = await renew()
      if (isOver) return
      finish()
      take(renewed)
    } catch (error) {
      if (isOver) return
      if (!isRefused(error) && Date.now() + pause < end) { timer = setTimeout(() => { void attempt(Math.min(LONGEST_PAUSE, pause * 2)) }, pause); return }
      finish()
      askForToken('expired')
    }
  }
  timer = setTimeout(() => { void attempt(FIRST_PAUSE) }, Math.min(MOST_MS, Math.max(LEAST_MS, seconds * 1000 - BEFORE_END_MS)))
}
