/** What a region of data shows while it waits, when it is empty, when it failed (design 2.3). */
import { type ReactNode, useEffect, useState } from 'react'
import { copyText } from './copy'
import type { ApiError } from '@/api/errors'
import { t } from '@/text/text'
import { Button } from './button'
import { CopyIcon, RetryIcon } from './icons'

const QUIET_MS = 150
const LONG_MS = 4000

/** Rows in the form of what comes: nothing at first, then a skeleton, then a line and a way out. */
export function Waiting({ rows = 6, rowHeight = 30, what, onCancel }: { rows?: number; rowHeight?: number; what: string; onCancel?: () => void }): ReactNode {
  const [stage, setStage] = useState<'quiet' | 'skeleton' | 'long'>('quiet')
  useEffect(() => {
    const first = setTimeout(() => { setStage('skeleton') }, QUIET_MS)
    const second = setTimeout(() => { setStage('long') }, LONG_MS)
    return () => { clearTimeout(first); clearTimeout(second) }
  }, [])
  if (stage === 'quiet') return null
  return (
    <div className="waiting" aria-busy="true">
      {Array.from({ length: rows }, (_each, index) => <div key={index} className="skeleton" style={{ height: rowHeight - 12, width: `${30 + ((index * 37) % 55)}%` }} />)}
      {stage === 'long' && (
        <p className="row secondary" role="status">
          {t('ui.waiting', { what })}
          {onCancel && <Button look="quiet" onClick={onCancel}>{t('ui.cancel')}</Button>}
        </p>
      )}
    </div>
  )
}

/** One sentence, one action, one way to learn more. */
export function Empty({ text, action, more, testId }: { text: string; action?: ReactNode; more?: { text: string; href: string }; testId?: string }): ReactNode {
  return (
    <div className="empty" data-testid={testId}>
      <p>{text}</p>
      {action}
      {more && <a href={more.href} target="_blank" rel="noreferrer">{more.text}</a>}
    </div>
  )
}

/** What went wrong, what to do, and the old data beside it where there is some. */
export function Failed({ error, onRetry, compact = false }: { error: ApiError; onRetry?: () => void; compact?: boolean }): ReactNode {
  const copy = (): void => {
    void copyText(`${error.code} (${error.status})\n${error.message}`)
  }
  return (
    <div className={compact ? 'failed compact' : 'failed'} role="alert" data-testid="failed">
      <p className="failed-code mono">{error.status > 0 ? `${error.code} · ${error.status}` : error.code}</p>
      <p className="failed-text">{error.message}</p>
      {error.details.length > 1 && <ul className="failed-details secondary">{error.details.slice(0, 20).map((each, index) => <li key={index}>{each.message}</li>)}</ul>}
      <div className="row">
        {onRetry && <Button icon={RetryIcon} onClick={onRetry}>{t('ui.retry')}</Button>}
        <Button look="quiet" icon={CopyIcon} onClick={copy}>{t('ui.copy-details')}</Button>
      </div>
    </div>
  )
}
