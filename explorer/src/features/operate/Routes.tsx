import { type ReactNode, useState } from 'react'
import { path } from '@/api/http'
import { useWaitingForm } from '@/parts/form/useForm'
import { useMay } from '@/state/graph'
import { useGoing } from '@/state/url'
import { formatNumber, t } from '@/text/text'
import { Button } from '@/ui/button'
import { AddIcon } from '@/ui/icons'
import { type Column, Table } from '@/ui/table'
import { healthOf, type RouteState, useList } from './data'
import { Part, when } from './Part'
import { RouteDetail } from './RouteDetail'
import { NEW_ROUTE, RouteEditor } from './RouteEditor'
import type { PartProps } from './Screen'

const EVERY_MS = 3000

/** Routes with their health; one of them opens. */
export function Routes({ id, onOpen }: PartProps): ReactNode {
  const may = useMay()
  const { place } = useGoing()
  const waiting = useWaitingForm(NEW_ROUTE)
  // The filter that a new one begins with.
  const [adding, setAdding] = useState(place.parameters.f ?? waiting)
  const routes = useList<RouteState>('/kastor/v1/routes', { every: EVERY_MS })
  const columns: readonly Column<RouteState>[] = [
    { key: 'state', title: t('operate.state'), width: 100, cell: (route) => <span className={`tag ${healthOf(route)}`}>{stateText(route)}</span> },
    { key: 'id', title: t('operate.name'), width: 160, cell: (route) => <code>{route.id}</code> },
    { key: 'endpoint', title: t('operate.endpoint'), width: 130, cell: (route) => <code>{route.endpointName}</code> },
    { key: 'lag', title: t('operate.lag'), width: 90, align: 'right', cell: (route) => formatNumber(route.lag) },
    { key: 'rate', title: t('operate.per-minute'), width: 100, align: 'right', cell: (route) => formatNumber(route.perMinute) },
    { key: 'delivered', title: t('operate.delivered'), width: 100, align: 'right', cell: (route) => formatNumber(route.delivered) },
    { key: 'dead', title: t('operate.dead'), width: 110, align: 'right', cell: (route) => formatNumber(route.deadLetters) },
    { key: 'filter', title: t('operate.filter'), width: 220, cell: (route) => <code className="cut">{route.filter}</code> },
    { key: 'error', title: t('operate.last-error'), width: 220, cell: (route) => <span className="operate-error">{route.lastError ?? ''}</span> },
  ]
  const opened = id === undefined ? undefined : routes.data?.find((each) => each.id === id)
  return (
    <>
      <Part title={t('operate.routes')} query={routes} empty={t('operate.no-routes')} actions={may('eventroutes/write') && <Button look="main" icon={AddIcon} onClick={() => { setAdding(place.parameters.f ?? '') }} data-testid="operate.routes.add">{t('operate.add-route')}</Button>}>
        {(rows) => (
          <div className="operate-split">
            <Table label={t('operate.routes')} columns={columns} rows={rows} keyOf={(route) => route.id} chosen={id} onChoose={(route) => { onOpen(route.id) }} testId="operate.routes" />
            {opened && <RouteDetail key={opened.id} route={opened} onClose={() => { onOpen(undefined) }} />}
          </div>
        )}
      </Part>
      {adding !== undefined && may('eventroutes/write') && <RouteEditor route={undefined} filter={adding} onClose={() => { setAdding(undefined) }} />}
    </>
  )
}

export function stateText(route: RouteState): string {
  if (route.state === 'paused') return t('operate.is-paused')
  if (route.lastError !== null) return t('operate.is-failing')
  return t(route.state === 'stopped' ? 'operate.is-stopped' : 'operate.is-running')
}

export function routePath(id: string, act?: string): string { return path('/kastor/v1/routes/{id}', { id }) + (act === undefined ? '' : `/${act}`) }

export function lastDelivery(route: RouteState): string { return when(route.lastDelivery) }
