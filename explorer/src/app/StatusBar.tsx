import { lazy, type ReactNode, Suspense } from 'react'
import { TimeBar } from '@/parts/time-bar/TimeBar'
import { useStatus } from '@/state/graph'
import { type Connection, useLive } from '@/state/live'
import { useShown } from '@/state/shown'
import { t } from '@/text/text'
import { Popover } from '@/ui/menu'

const ConnectionCard = lazy(() => import('./ConnectionCard'))

/** What is to be said of a connection, if anything. */
export function sayConnection(connection: Connection): string {
  if (connection.state === 'reconnecting') return t('frame.offline', { n: connection.attempt })
  if (connection.state === 'refused') return t('frame.refused', { code: connection.error.code })
  return connection.state === 'live' ? '' : connection.state === 'paused' ? t('frame.paused') : t('frame.connecting')
}

/** What is looked at, whether it is live, and of when it is. */
export function StatusBar(): ReactNode {
  const status = useStatus()
  const { connection } = useLive()
  const byNesting = useShown((shown) => shown.graph?.byNesting ?? 0)
  const text = sayConnection(connection)
  return (
    <TimeBar>
      <Popover label={t('frame.connection')} trigger={<button type="button" className="dot-button" aria-label={t('frame.connection')}><span className={`dot ${connection.state}`} data-testid="statusbar.dot" data-state={connection.state} /></button>}>
        <Suspense><ConnectionCard /></Suspense>
      </Popover>
      <span className={text === '' ? 'unseen' : 'cut'} role="status">{text}</span>
      {status.data && <span className="cut num">{t('frame.twins', { n: status.data.counts.twins })} · {t('frame.relationships', { n: status.data.counts.relationships })}{byNesting > 0 && ` · ${t('frame.by-nesting', { n: byNesting })}`}</span>}
    </TimeBar>
  )
}
