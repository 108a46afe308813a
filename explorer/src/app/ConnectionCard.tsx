import type { ReactNode } from 'react'
import { useGraph } from '@/state/graph'
import { type Connection, useLive } from '@/state/live'
import { formatNumber, formatTime, t } from '@/text/text'
import { Button } from '@/ui/button'
import { PauseIcon, PlayIcon, RetryIcon } from '@/ui/icons'

function sayState(connection: Connection): string {
  switch (connection.state) {
    case 'live': return t('frame.is-live')
    case 'reconnecting': return t('frame.offline-since', { time: formatTime(connection.since), n: connection.attempt })
    case 'refused': return connection.error.message
    case 'paused': return t('frame.is-paused')
    default: return t('frame.connecting')
  }
}

/** Whether the page hears of changes, since when not, and what can be done. */
export default function ConnectionCard(): ReactNode {
  const { feed } = useGraph()
  const { connection, rate, seen } = useLive()
  const again = (): void => { feed.pause(); feed.resume() }
  return (
    <div className="column connection-card" data-testid="statusbar.connection">
      <p>{sayState(connection)}</p>
      <p className="secondary num">{t('frame.seen', { n: seen, rate: formatNumber(rate, { maximumFractionDigits: 1 }) })}</p>
      <div className="row">
        {connection.state === 'paused'
          ? <Button icon={PlayIcon} onClick={() => { feed.resume() }}>{t('frame.resume')}</Button>
          : <Button icon={PauseIcon} onClick={() => { feed.pause() }}>{t('frame.pause')}</Button>}
        {connection.state !== 'live' && connection.state !== 'paused' && <Button look="main" icon={RetryIcon} onClick={again}>{t('ui.retry')}</Button>}
      </div>
    </div>
  )
}
