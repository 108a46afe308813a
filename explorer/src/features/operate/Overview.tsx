import type { ReactNode } from 'react'
import { useMay, useStatus } from '@/state/graph'
import { formatNumber, t } from '@/text/text'
import { Button } from '@/ui/button'
import { ErrorIcon, OkIcon, WarnIcon } from '@/ui/icons'
import { useGoing } from '@/state/url'
import { Load, useMetrics } from './Load'
import { lasting } from './metrics'
import { useProblems } from './problems'
import { Body, bytes, Loading, Tile, when } from './Part'

/** Problems first, then how much there is, then the load. */
export function Overview(): ReactNode {
  const going = useGoing()
  const status = useStatus()
  const may = useMay()
  const metrics = useMetrics(may('kastor/metrics/read'))
  const problems = useProblems(metrics.data)
  if (!status.data) return <Loading query={status} what={t('operate.overview')} />
  const { counts, bytes: sizes, engine, kastor, oldestLogEntry, oldestVersion, diskFree } = status.data
  const { began, queries, at } = metrics.data ?? {}
  return (
    <>
      <div className="operate-head"><h2 className="grow">{t('operate.overview')}</h2><span className="secondary mono">Kastor {kastor} · {engine}</span></div>
      <Body label={t('operate.overview')}>
        <ul className="operate-problems" data-testid="operate.problems">
          {problems.length === 0 && <li className="row ok"><OkIcon size={14} aria-hidden />{t('operate.all-well')}</li>}
          {problems.map((each) => <li key={each.text} className={`row ${each.tone}`}>{each.tone === 'danger' ? <ErrorIcon size={14} aria-hidden /> : <WarnIcon size={14} aria-hidden />}<span className="grow">{each.text}</span>{each.rest.length > 0 && <Button look="quiet" onClick={() => { going.go({ screen: 'operate', rest: each.rest }) }}>{t('operate.look')}</Button>}</li>)}
        </ul>
        <div className="operate-tiles">
          <Tile name={t('operate.twins')} value={formatNumber(counts.twins)} testId="operate.twins" />
          <Tile name={t('operate.relationships')} value={formatNumber(counts.relationships)} />
          <Tile name={t('operate.models')} value={formatNumber(counts.models)} />
          <Tile name={t('operate.versions')} value={formatNumber(counts.versions)} hint={t('operate.since', { time: when(oldestVersion) })} />
          <Tile name={t('operate.log')} value={formatNumber(counts.changeLog)} hint={t('operate.since', { time: when(oldestLogEntry) })} />
          {Object.entries(sizes).map(([name, value]) => <Tile key={name} name={t('operate.bytes-of', { name })} value={bytes(value)} />)}
          {typeof diskFree === 'number' && <Tile name={t('operate.disk-free')} value={bytes(diskFree)} testId="operate.disk" />}
          {began !== undefined && at !== undefined && <Tile name={t('operate.uptime')} value={lasting(at / 1000 - began)} hint={t('operate.since', { time: when(new Date(began * 1000).toISOString()) })} testId="operate.uptime" />}
          {queries !== undefined && <Tile name={t('operate.queries')} value={formatNumber(queries)} testId="operate.queries" />}
        </div>
        {may('kastor/metrics/read') && <Load metrics={metrics} />}
      </Body>
    </>
  )
}
