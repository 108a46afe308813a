import type { ReactNode } from 'react'
import { useMay } from '@/state/graph'
import { useGoing } from '@/state/url'
import { formatNumber, t } from '@/text/text'
import { Button } from '@/ui/button'
import { ExplainIcon } from '@/ui/icons'
import { type Column, Table } from '@/ui/table'
import { type SlowQuery, useList } from './data'
import { Part, when } from './Part'

/** Queries that took long since the process began, the worst first. */
export function SlowQueries(): ReactNode {
  const may = useMay()
  const going = useGoing()
  const queries = useList<SlowQuery>('/kastor/v1/slow-queries', { every: 10_000 })
  const columns: readonly Column<SlowQuery>[] = [
    { key: 'worst', title: t('operate.worst'), width: 100, align: 'right', cell: (query) => `${formatNumber(Math.round(query.worstMs))} ms` },
    { key: 'mean', title: t('operate.mean'), width: 100, align: 'right', cell: (query) => `${formatNumber(Math.round(query.meanMs))} ms` },
    { key: 'count', title: t('operate.times'), width: 80, align: 'right', cell: (query) => formatNumber(query.count) },
    { key: 'out', title: t('operate.timed-out'), width: 100, align: 'right', cell: (query) => (query.timedOut > 0 ? <span className="tag danger num">{formatNumber(query.timedOut)}</span> : '0') },
    { key: 'last', title: t('operate.last-time'), width: 180, cell: (query) => <span className="num">{when(query.lastTime)}</span> },
    { key: 'who', title: t('operate.actor'), width: 110, cell: (query) => query.lastActor ?? '' },
    { key: 'act', title: '', width: 100, cell: (query) => may('query/action') && <Button look="quiet" icon={ExplainIcon} onClick={() => { going.go({ screen: 'query', parameters: { q: query.query, as: 'explain' } }) }}>{t('operate.explain')}</Button> },
    { key: 'query', title: t('operate.query'), width: 400, cell: (query) => <code title={query.query}>{query.query}</code> },
  ]
  return (
    <Part title={t('operate.slow')} query={queries} empty={t('operate.no-slow')}>
      {(rows) => <div className="operate-split"><Table label={t('operate.slow')} columns={columns} rows={rows} keyOf={(query) => query.query} testId="operate.slow" /></div>}
    </Part>
  )
}
