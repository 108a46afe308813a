import { type ReactNode, useState } from 'react'
import { path } from '@/api/http'
import { useWaitingForm } from '@/parts/form/useForm'
import { useMay, useStatus } from '@/state/graph'
import { formatNumber, t } from '@/text/text'
import { Button, IconButton } from '@/ui/button'
import { Confirm, Dialog } from '@/ui/dialog'
import { ClockIcon, CloseIcon, DeleteIcon, EditIcon, PauseIcon, PlayIcon } from '@/ui/icons'
import { Field } from '@/ui/controls'
import { DeadLetters } from './DeadLetters'
import { healthOf, type RouteState, useAct } from './data'
import { when } from './Part'
import { RouteEditor } from './RouteEditor'
import { routePath, stateText } from './Routes'

type Asking = 'edit' | 'replay' | 'delete' | undefined

/** One route: how it is, what can be done with it, and its dead letters. */
export function RouteDetail({ route, onClose }: { route: RouteState; onClose: () => void }): ReactNode {
  const may = useMay()
  const act = useAct()
  const [asking, setAsking] = useState<Asking>(useWaitingForm('route') === route.id ? 'edit' : undefined)
  const isPaused = route.state === 'paused'
  const { id } = route
  return (
    <section className="operate-detail" aria-label={id} data-testid="operate.route">
      <div className="row operate-detail-head">
        <h2 className="cut mono">{id}</h2><span className={`tag ${healthOf(route)}`} data-testid="operate.route.state">{stateText(route)}</span>
        <span className="grow" />
        {may('kastor/routes/run') && <Button icon={isPaused ? PlayIcon : PauseIcon} onClick={() => { void act({ method: 'POST', path: routePath(id, isPaused ? 'resume' : 'pause') }) }} data-testid="operate.route.pause">{t(isPaused ? 'operate.resume' : 'operate.pause')}</Button>}
        {may('kastor/routes/run') && <Button icon={ClockIcon} onClick={() => { setAsking('replay') }}>{t('operate.replay')}</Button>}
        {may('eventroutes/write') && <Button icon={EditIcon} onClick={() => { setAsking('edit') }} data-testid="operate.route.edit">{t('operate.edit')}</Button>}
        {may('eventroutes/delete') && <IconButton icon={DeleteIcon} label={t('operate.delete')} onClick={() => { setAsking('delete') }} />}
        <IconButton icon={CloseIcon} label={t('ui.close')} onClick={onClose} />
      </div>
      <dl className="operate-facts">
        <dt>{t('operate.endpoint')}</dt><dd><code>{route.endpointName}</code></dd>
        <dt>{t('operate.filter')}</dt><dd><code>{route.filter}</code></dd>
        <dt>{t('operate.lag')}</dt><dd className="num" data-testid="operate.route.lag">{formatNumber(route.lag)}</dd>
        <dt>{t('operate.per-minute')}</dt><dd className="num" data-testid="operate.route.rate">{formatNumber(route.perMinute)}</dd>
        <dt>{t('operate.delivered')}</dt><dd className="num">{formatNumber(route.delivered)}, {t('operate.last', { time: when(route.lastDelivery) })}</dd>
        {route.lastError !== null && <><dt>{t('operate.last-error')}</dt><dd className="operate-error" data-testid="operate.route.error">{route.lastError}</dd></>}
      </dl>
      {may('kastor/deadletters/read') && <DeadLetters route={id} count={route.deadLetters} />}
      {asking === 'edit' && may('eventroutes/write') && <RouteEditor route={route} filter="" onClose={() => { setAsking(undefined) }} />}
      {asking === 'replay' && <Replay id={id} onClose={() => { setAsking(undefined) }} />}
      <Confirm open={asking === 'delete'} title={t('operate.delete-route', { id })} text={t('operate.delete-route-text')} act={t('operate.delete')} onClose={() => { setAsking(undefined) }}
        onConfirm={() => { setAsking(undefined); void act({ method: 'DELETE', path: path('/eventroutes/{id}', { id }) }, t('operate.deleted', { id })).then((done) => { if (done) onClose() }) }} />
    </section>
  )
}

/** Send again from a time on, as far as the log goes back. */
function Replay({ id, onClose }: { id: string; onClose: () => void }): ReactNode {
  const act = useAct()
  const { data: status } = useStatus()
  const begins = status?.oldestLogEntry ?? undefined
  const [from, setFrom] = useState(() => new Date(Date.now() - 3_600_000).toISOString().slice(0, 19))
  const run = (): void => { void act({ method: 'POST', path: routePath(id, 'replay'), query: { from: `${from}Z` } }, t('operate.replayed', { id })).then((done) => { if (done) onClose() }) }
  return (
    <Dialog open title={t('operate.replay')} description={t('operate.replay-text')} onClose={onClose} foot={<><Button onClick={onClose}>{t('ui.cancel')}</Button><Button look="main" onClick={run}>{t('operate.replay')}</Button></>}>
      <Field label={t('operate.from')} hint={begins === undefined ? t('operate.utc') : `${t('operate.utc')} ${t('operate.log-begins', { time: when(begins) })}`}><input className="input" type="datetime-local" step={1} min={begins?.slice(0, 19)} max={new Date().toISOString().slice(0, 19)} value={begins !== undefined && from < begins.slice(0, 19) ? begins.slice(0, 19) : from} onChange={(event) => { setFrom(event.target.value) }} /></Field>
    </Dialog>
  )
}
