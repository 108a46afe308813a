/** Acts that lead through time: the handle, the keys, playing. */
import { useEffect, useMemo, useRef } from 'react'
import { asApiError } from '@/api/errors'
import { pageScrubber, playedTo, playStart, type Scrubber, type Speed, useClock } from '@/state/clock'
import { useGraph } from '@/state/graph'
import { formatInstant, millisOf } from '@/state/instants'
import { selectionOf, useGoing } from '@/state/url'
import { t } from '@/text/text'
import { toast } from '@/ui/toasts'
import { type Direction, stepFrom } from './steps'

const MINUTE = 60_000
const PLAY_MS = 50

export interface Time {
  /** Go somewhere while the handle moves; undefined is now. */
  readonly scrub: (ms: number | undefined) => void
  /** The handle is let go. */
  readonly settle: () => void
  readonly go: (instant: string | undefined) => void
  readonly minutes: (count: number) => void
  readonly step: (direction: Direction) => void
  readonly play: () => void
  readonly setSpeed: (speed: Speed) => void
}

export function useTime(oldest: number): Time {
  const graph = useGraph()
  const going = useGoing()
  const live = useRef({ at: graph.at, name: graph.name, going, oldest, selection: selectionOf(going.place.parameters) })
  live.current = { at: graph.at, name: graph.name, going, oldest, selection: selectionOf(going.place.parameters) }
  const scrubber = useMemo((): Scrubber => pageScrubber((ms) => { live.current.going.adjust({ at: ms === undefined ? undefined : formatInstant(ms) }) }), [])
  useEffect(() => () => { scrubber.stop(); useClock.setState({ playing: false, held: undefined }) }, [scrubber])
  usePlaying(scrubber)

  return useMemo((): Time => {
    const stop = (): void => { scrubber.stop(); useClock.setState({ playing: false, held: undefined }) }
    const go = (instant: string | undefined): void => { stop(); live.current.going.adjust({ at: instant }) }
    return {
      scrub: (ms) => {
        useClock.setState({ playing: false, held: ms ?? Infinity })
        scrubber.want(ms)
      },
      // From here on the handle is where the address says.
      settle: () => { scrubber.settle(); useClock.setState({ held: undefined }) },
      go,
      minutes: (count) => {
        const now = Date.now()
        const to = (millisOf(live.current.at) ?? now) + count * MINUTE
        go(to >= now ? undefined : formatInstant(Math.max(live.current.oldest, to)))
      },
      step: (direction) => {
        const { name, selection, at } = live.current
        stop()
        stepFrom(name, selection, at, direction).then((found) => {
          if (live.current.at !== at) return
          if (found !== undefined) go(found)
          else if (direction === 'after') go(undefined)
          else toast({ text: t('time.no-earlier') })
        }, (error: unknown) => { toast({ text: asApiError(error).message, kind: 'error' }) })
      },
      play: () => {
        const { playing, range, speed } = useClock.getState()
        if (playing) { scrubber.settle(); useClock.setState({ playing: false, held: undefined }); return }
        const now = Date.now()
        useClock.setState({ playing: true, held: millisOf(live.current.at) ?? playStart(range, live.current.oldest, now, speed) })
      },
      setSpeed: (speed) => { useClock.setState({ speed }) },
    }
  }, [scrubber])
}

function usePlaying(scrubber: Scrubber): void {
  const playing = useClock((state) => state.playing)
  const speed = useClock((state) => state.speed)
  useEffect(() => {
    if (!playing) return undefined
    const from = useClock.getState().held ?? Date.now()
    const begun = Date.now()
    const timer = setInterval(() => {
      const at = playedTo(from, begun, speed, Date.now())
      scrubber.want(at)
      if (at === undefined) { scrubber.settle(); useClock.setState({ playing: false, held: undefined }) } else useClock.setState({ held: at })
    }, PLAY_MS)
    return () => { clearInterval(timer) }
  }, [playing, speed, scrubber])
}
