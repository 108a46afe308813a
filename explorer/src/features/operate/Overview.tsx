import type { ReactNode } from 'react'
import { useMay, useStatus } from '@/state/graph'
import { formatNumber, t } from '@/text/text'
import { Button } from '@/ui/button'
import { ErrorIcon, OkIcon, WarnIcon } from '@/ui/icons'
import { useGoing } from '@/state/url'
import { healthOf, type RouteState, useInputStates, useList } from './data'
import { Load } from './Load'
import { bytes, Loading, Tile, when } from './Part'

interface Problem { readonly tone: 'warn' | 'danger'; readonly text: string; readonly rest: readonly string[] }

function useProblems(): readonly Problem[] {
  const may = useMay()
  const routes = useList<RouteState>('/kastor/v1/routes', { every: 5000, enabled: may('eventroutes/read') })
  const inputs = useInputStates(may('kastor/inputs/read'))
  const ofRoutes = (routes.data ?? []).flatMap((route): Problem[] => {
    if (route.lastError !== null) return [{ tone: 'danger', text: t('operate.route-fails', { id: route.id, error: route.lastError }), rest: ['routes', route.id] }]
    if (route.deadLetters > 0) return [{ tone: 'warn', text: t('operate.route-letters', { id: route.id, n: route.deadLetters }), rest: ['routes', route.id] }]
    return healthOf(route) === 'warn' && route.state !== 'paused' ? [{ tone: 'warn', text: t('operate.route-lags', { id: route.id, n: route.lag }), rest: ['routes', route.id] }] : []
  })
  const ofInputs = inputs.flatMap((input): Problem[] => (input.lastError !== null ? [{ tone: 'danger', text: t('operate.input-fails', { id: input.name, error: input.lastError }), rest: ['inputs', input.name] }] : []))
  return [...ofRoutes, ...ofInputs].sort((one, other) => Number(other.tone === 'danger') - Number(one.tone === 'danger'))
}

/** Problems first, then how much there is, then the load. */
export function Overview(): ReactNode {
  const going = useGoing()
  const status = useStatus()
  const problems = useProblems()
  const may = useMay()
  if (!status.data) return <Loading query={status} what={t('operate.overview')} />
  const { counts, bytes: sizes, engine, kastor, oldestLogEntry, oldestVersion } = status.data
  return (
    <>
      <div className="operate-head"><h2 className="grow">{t('operate.overview')}</h2><span className="secondary mono">Kastor {kastor} · {engine}</span></div>
      <div className="operate-body">
        <ul className="operate-problems" data-testid="operate.problems">
          {problems.length === 0 && <li className="row ok"><OkIcon size={14} aria-hidden />{t('operate.all-well')}</li>}
          {problems.map((each) => <li key={each.text} className={`row ${each.tone}`}>{each.tone === 'danger' ? <ErrorIcon size={14} aria-hidden /> : <WarnIcon size={14} aria-hidden />}<span className="grow">{each.text}</span><Button look="quiet" onClick={() => { going.go({ screen: 'operate', rest: each.rest }) }}>{t('operate.look')}</Button></li>)}
        </ul>
        <div className="operate-tiles">
          <Tile name={t('operate.twins')} value={formatNumber(counts.twins)} testId="operate.twins" />
          <Tile name={t('operate.relationships')} value={formatNumber(counts.relationships)} />
          <Tile name={t('operate.models')} value={formatNumber(counts.models)} />
          <Tile name={t('operate.versions')} value={formatNumber(counts.versions)} hint={t('operate.since', { time: when(oldestVersion) })} />
          <Tile name={t('operate.log')} value={formatNumber(counts.changeLog)} hint={t('operate.since', { time: when(oldestLogEntry) })} />
          {Object.entries(sizes).map(([name, value]) => <Tile key={name} name={t('operate.bytes-of', { name })} value={bytes(value)} />)}
        </div>
        {may('kastor/metrics/read') && <Load />}
      </div>
    </>
  )
}
