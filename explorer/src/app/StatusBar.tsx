import { type ReactNode, useEffect, useState } from 'react'
import { useGraph, useStatus } from '@/state/graph'
import { type Connection, useLive } from '@/state/live'
import { isTest, useGoing } from '@/state/url'
import { formatTime, t } from '@/text/text'
import { Button } from '@/ui/button'

function textOf(connection: Connection): string {
  if (connection.state === 'reconnecting') return t('frame.offline', { n: connection.attempt })
  if (connection.state === 'refused') return t('frame.refused', { code: connection.error.code })
  return connection.state === 'live' ? '' : connection.state === 'paused' ? t('frame.paused') : t('frame.connecting')
}

/** What is looked at, whether it is live, and of when it is. The time bar grows here. */
export function StatusBar(): ReactNode {
  const { at } = useGraph()
  const { adjust } = useGoing()
  const status = useStatus()
  const { connection } = useLive()
  return (
    <footer className={at === undefined ? 'statusbar' : 'statusbar past'} data-testid="statusbar">
      <span className={`dot ${at === undefined ? connection.state : 'past'}`} data-testid="statusbar.dot" data-state={at === undefined ? connection.state : 'past'} />
      <span className="cut" role="status">{at === undefined ? textOf(connection) : t('frame.of', { time: at })}</span>
      {status.data && <span className="cut num">{t('frame.twins', { n: status.data.counts.twins })}, {t('frame.relationships', { n: status.data.counts.relationships })}</span>}
      <span className="grow" />
      <Clock at={at} />
      <Button look={at === undefined ? 'plain' : 'main'} onClick={() => { adjust({ at: undefined }) }} data-testid="statusbar.now">{t('frame.now')}</Button>
    </footer>
  )
}

function Clock({ at }: { at: string | undefined }): ReactNode {
  const [now, setNow] = useState(() => Date.now())
  useEffect(() => {
    if (isTest) return undefined
    const timer = setInterval(() => { setNow(Date.now()) }, 1000)
    return () => { clearInterval(timer) }
  }, [])
  return <span className="num">{at ?? `${isTest ? '12:00:00' : formatTime(now)} UTC`}</span>
}
