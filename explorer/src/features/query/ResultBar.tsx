import type { ReactNode } from 'react'
import { showKeys } from '@/commands/keys'
import { useGraph } from '@/state/graph'
import { formatNumber, t } from '@/text/text'
import { Button, Hint, IconButton } from '@/ui/button'
import { Segments } from '@/ui/controls'
import { DownloadIcon, ExplainIcon, FilterIcon, GraphIcon, JsonIcon, LiveQueryIcon, PauseIcon, PlayIcon, StopIcon, TableIcon } from '@/ui/icons'
import type { LiveRows } from './live'
import type { Run } from './runs'
import type { QueryScreen, View } from './useQueryScreen'

interface ResultBarProps {
  readonly screen: QueryScreen
  readonly run: Run | undefined
  readonly live: LiveRows | undefined
  readonly shown: number
  readonly filtering: boolean
  readonly onFilter: () => void
  readonly onCsv: () => void
}

/** Run, how to look at the rows, and what they cost. */
export function ResultBar({ screen, run, live, shown, filtering, onFilter, onCsv }: ResultBarProps): ReactNode {
  const { at } = useGraph()
  const running = run?.state === 'running' && !live
  const choices = [
    { value: 'table' as const, text: t('query.table'), icon: TableIcon }, { value: 'graph' as const, text: t('query.graph'), icon: GraphIcon },
    { value: 'json' as const, text: t('query.json'), icon: JsonIcon }, { value: 'explain' as const, text: t('query.explain'), icon: ExplainIcon },
  ]
  return (
    <div className="query-bar">
      {running
        ? <Button key="cancel" icon={StopIcon} onClick={screen.cancel} data-testid="query.cancel">{t('ui.cancel')}</Button>
        : <Button key="run" look="main" icon={PlayIcon} keys={showKeys('Ctrl ↵')} disabled={screen.statement.text === ''} onClick={screen.run} data-testid="query.run">{t('query.run')}</Button>}
      {at === undefined && <Button icon={LiveQueryIcon} on={live !== undefined} disabled={screen.statement.text === '' || (!screen.mayLive && live === undefined)} {...(!screen.mayLive && { title: t('query.live-other') })} onClick={() => { screen.setLive(live === undefined) }} data-testid="query.live">{t('query.live')}</Button>}
      {live && live.state !== 'ended' && <IconButton icon={live.paused ? PlayIcon : PauseIcon} label={t(live.paused ? 'query.resume' : 'query.pause')} onClick={() => { screen.pause(!live.paused) }} data-testid="query.pause" />}
      <Segments<View> label={t('query.views')} value={screen.view} choices={choices} onChange={screen.setView} testId="query.as" />
      <span className="grow" />
      {live ? <LiveStatus live={live} shown={shown} /> : run && <RunStatus run={run} shown={shown} />}
      {screen.view === 'table' && <IconButton icon={FilterIcon} label={t('query.filter')} on={filtering} onClick={onFilter} data-testid="query.filter" />}
      <Button icon={DownloadIcon} disabled={(live?.rows.length ?? run?.rows.length ?? 0) === 0} onClick={onCsv} data-testid="query.csv">{t('query.csv')}</Button>
    </div>
  )
}

function RunStatus({ run, shown }: { run: Run; shown: number }): ReactNode {
  if (run.state === 'running') return <span className="secondary" role="status">{t('query.running')}</span>
  if (run.state === 'cancelled') return <span className="secondary" role="status">{t('query.cancelled')}</span>
  if (run.state === 'failed') return <span className="query-failed" role="status">{t('query.failed')}</span>
  const count = t(run.token === null ? 'query.rows' : 'query.rows-more', { n: run.rows.length })
  const parts = [shown < run.rows.length ? t('query.rows-of', { n: shown, all: count }) : count, t('query.ms', { ms: formatNumber(Math.round(run.ms)) }), t('query.charge', { charge: formatNumber(run.charge, { maximumFractionDigits: 1 }) })]
  const hint = <span className="query-headers mono">{run.headers.map(([name, value]) => <span key={name}>{`${name}: ${value}`}</span>)}</span>
  return <Hint text={hint}><button type="button" className="query-status num" data-testid="query.status" data-rows={run.rows.length} data-all={run.token === null}>{parts.join(' · ')}</button></Hint>
}

function LiveStatus({ live, shown }: { live: LiveRows; shown: number }): ReactNode {
  const state = live.paused ? t('query.held', { n: live.held }) : live.state === 'live' ? t('query.live-now') : live.state === 'ended' ? t('query.live-ended') : live.state === 'broken' ? t('query.live-broken') : t('query.live-connecting')
  const hint = live.why === '' ? state : `${live.mode}: ${live.why}`
  return <Hint text={hint}><button type="button" className="query-status num" data-testid="query.status" data-rows={live.rows.length} data-live={live.state}><span className={`dot ${live.paused ? '' : live.state === 'live' ? 'live' : live.state === 'ended' ? 'refused' : 'reconnecting'}`} />{`${t('query.rows', { n: shown })} · ${state}`}</button></Hint>
}
