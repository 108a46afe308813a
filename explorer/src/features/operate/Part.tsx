import type { UseQueryResult } from '@tanstack/react-query'
import type { ReactNode } from 'react'
import { asApiError } from '@/api/errors'
import { t } from '@/text/text'
import { Empty, Failed, Waiting } from '@/ui/states'

/** A part's head, and its states; `children` is asked once there is something. */
export function Part<T>({ title, actions, query, empty, children }: { title: string; actions?: ReactNode; query: UseQueryResult<readonly T[]>; empty: string; children: (rows: readonly T[]) => ReactNode }): ReactNode {
  return (
    <>
      <div className="operate-head"><h2 className="grow">{title}</h2>{actions}</div>
      {query.isPending && <Waiting rows={5} what={title} />}
      {query.error && <Failed error={asApiError(query.error)} onRetry={() => { void query.refetch() }} compact={query.data !== undefined} />}
      {query.data?.length === 0 && <Empty text={empty} testId="operate.empty" />}
      {query.data !== undefined && query.data.length > 0 && <Body label={title} isStale={query.error !== null}>{children(query.data)}</Body>}
    </>
  )
}

/** What is longer than the screen is scrolled by keys as well. */
export function Body({ label, isStale = false, children }: { label: string; isStale?: boolean; children: ReactNode }): ReactNode {
  return <div className="operate-body" role="region" aria-label={label} tabIndex={0} {...(isStale && { 'data-stale': '' })}>{children}</div>
}

export function Loading({ query, what }: { query: UseQueryResult<unknown>; what: string }): ReactNode {
  if (query.isPending) return <Waiting rows={4} what={what} />
  return query.error ? <Failed error={asApiError(query.error)} onRetry={() => { void query.refetch() }} /> : null
}

/** A number with its name; a tone where it asks for attention. */
export function Tile({ name, value, hint, tone = '', testId }: { name: string; value: string; hint?: string; tone?: '' | 'ok' | 'warn' | 'danger'; testId?: string }): ReactNode {
  return <div className={`card operate-tile ${tone}`} data-testid={testId}><span className="hint">{name}</span><span className="operate-number num">{value}</span>{hint !== undefined && <span className="hint cut">{hint}</span>}</div>
}

export function bytes(value: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB']
  const at = value < 1 ? 0 : Math.min(units.length - 1, Math.floor(Math.log10(value) / 3))
  return `${(value / 1000 ** at).toLocaleString('en', { maximumFractionDigits: at === 0 ? 0 : 1 })} ${units[at] ?? ''}`
}

export function when(time: string | null | undefined): string {
  return time ? time.replace('T', ' ').replace(/\.\d+/, '').replace('Z', ' UTC') : t('operate.never')
}
