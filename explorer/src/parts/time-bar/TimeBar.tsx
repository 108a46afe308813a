import './time.css'
import { lazy, type ReactNode, Suspense, useMemo } from 'react'
import { type Command, useCommands } from '@/commands/registry'
import { openRestore } from '@/parts/restore/store'
import { useClock } from '@/state/clock'
import { useGraph } from '@/state/graph'
import { showInstant } from '@/state/instants'
import { currentPlace, isTest } from '@/state/url'
import { formatTime, t } from '@/text/text'
import { Button, IconButton } from '@/ui/button'
import { PauseIcon, PlayIcon, RestoreIcon } from '@/ui/icons'
import { type Span, useMayLookBack, useMayNow, useNow, useSpan } from './activity'
import { TimeStrip } from './TimeStrip'
import { type Time, useTime } from './useTime'

const TimePanel = lazy(() => import('./TimePanel'))

function useTimeCommands(time: Time, may: boolean): void {
  const { at } = useGraph()
  const past = at !== undefined
  const commands = useMemo((): Command[] => {
    const group = t('time.title')
    return [
      { id: 'time.now', group, text: t('time.back'), keys: ['n'], when: () => past || useClock.getState().playing, run: () => { time.go(undefined) } },
      ...(may ? [
        { id: 'time.before', group, text: t('time.before'), keys: ['[', 'j'], run: () => { time.step('before') } },
        { id: 'time.after', group, text: t('time.after'), keys: [']', 'k'], when: () => past, run: () => { time.step('after') } },
        { id: 'time.minute-before', group, text: t('time.minute-before'), keys: ['Shift [', 'Shift j'], run: () => { time.minutes(-1) } },
        { id: 'time.minute-after', group, text: t('time.minute-after'), keys: ['Shift ]', 'Shift k'], when: () => past, run: () => { time.minutes(1) } },
        { id: 'time.play', group, text: t('time.play'), keys: ['Space'], when: () => currentPlace().screen !== 'live', run: () => { time.play() } },
        { id: 'time.open', group, text: t('time.open'), run: () => { useClock.setState((before) => ({ open: !before.open })) } },
      ] : []),
    ]
  }, [time, may, past])
  useCommands(commands)
}

/** What the status bar has of time: the bar, the clock, the way back. `children` stands at its left while one looks at now. */
export function TimeBar({ children }: { children: ReactNode }): ReactNode {
  const { at } = useGraph()
  const span = useSpan()
  const may = useMayLookBack()
  const { open, playing, held } = useClock()
  const time = useTime(span?.oldest ?? 0)
  useTimeCommands(time, may)
  const isOpen = open && may
  return (
    <div className="time">
      {isOpen && <Suspense><TimePanel time={time} /></Suspense>}
      <footer className={at === undefined ? 'statusbar' : 'statusbar past'} data-testid="statusbar">
        <div className="row time-left">{at === undefined ? children : <Looking at={at} may={may} />}</div>
        {may && span ? <TimeStrip span={span} time={time} /> : <span className="grow" />}
        {may && <IconButton icon={playing ? PauseIcon : PlayIcon} label={playing ? t('time.pause') : t('time.play')} keys="Space" side="top" on={playing} onClick={time.play} data-testid="time.play" />}
        <Clock at={held === undefined || held === Infinity ? at : new Date(held).toISOString()} span={span} open={isOpen} />
        <Button look={at === undefined ? 'plain' : 'main'} onClick={() => { time.go(undefined) }} data-testid="statusbar.now">{at === undefined ? t('frame.now') : t('time.back')}</Button>
      </footer>
    </div>
  )
}

function Looking({ at, may }: { at: string; may: boolean }): ReactNode {
  const now = useNow(isTest ? 3_600_000 : 60_000)
  return (
    <>
      <span className="dot past" data-testid="statusbar.dot" data-state="past" />
      <span className="cut time-looking" role="status">{t('time.looking', { time: showInstant(at, now) })}</span>
      {may && <Restore at={at} />}
    </>
  )
}

function Restore({ at }: { at: string }): ReactNode {
  const may = useMayNow('kastor/jobs/write')
  if (!may) return null
  return <Button icon={RestoreIcon} title={t('time.restore')} onClick={() => { openRestore(at) }} data-testid="time.restore">{t('time.restore')}</Button>
}

/** The time that is looked at; a click opens the bar. */
function Clock({ at, span, open }: { at: string | undefined; span: Span | undefined; open: boolean }): ReactNode {
  const now = useNow(isTest ? 3_600_000 : 1000)
  const text = at === undefined ? `${isTest ? '12:00:00' : formatTime(now)} UTC` : `${showInstant(at, now)} UTC`
  if (!span) return <span className="time-clock num">{text}</span>
  return <button type="button" className="time-clock num" aria-expanded={open} aria-label={t('time.opened', { time: text })} onClick={() => { useClock.setState({ open: !open }) }} data-testid="time.clock">{text}</button>
}
