import type { ReactNode } from 'react'
import { t } from '@/text/text'
import { useGoing } from '@/state/url'
import { Button } from '@/ui/button'
import { Empty } from '@/ui/states'
import { type RouteState, useList } from './data'
import { DeadLetters } from './DeadLetters'
import { Part } from './Part'

/** What all routes gave up, route by route. */
export function DeadLetterRoutes(): ReactNode {
  const going = useGoing()
  const routes = useList<RouteState>('/kastor/v1/routes', { every: 5000 })
  return (
    <Part title={t('operate.deadletters')} query={routes} empty={t('operate.no-letters-anywhere')}>
      {(rows) => {
        const failed = rows.filter((each) => each.deadLetters > 0)
        if (failed.length === 0) return <Empty text={t('operate.no-letters-anywhere')} testId="operate.empty" />
        return failed.map((route) => (
          <section key={route.id} className="card operate-card">
            <p className="row"><code className="grow">{route.id}</code><Button look="quiet" onClick={() => { going.go({ screen: 'operate', rest: ['routes', route.id] }) }}>{t('operate.look')}</Button></p>
            <DeadLetters route={route.id} count={route.deadLetters} />
          </section>
        ))
      }}
    </Part>
  )
}
