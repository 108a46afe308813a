import { type ReactNode, Suspense } from 'react'
import { useGraph } from '@/state/graph'
import { showInstant } from '@/state/instants'
import { useLive } from '@/state/live'
import { currentPlace, linkTo } from '@/state/url'
import { t } from '@/text/text'
import { OpenIcon } from '@/ui/icons'
import { Boundary } from './Boundary'
import { SCREEN_ROWS } from './screens'
import { sayConnection } from './StatusBar'

/** A screen without what is around it, as on a wall, where nothing is written; a mark says whether it is alive, and leads to the whole. */
export function Alone({ screen }: { screen: string }): ReactNode {
  const { at } = useGraph()
  const { connection } = useLive()
  const View = SCREEN_ROWS.find((row) => row.screen === screen)?.view
  const state = at === undefined ? connection.state : 'past'
  const said = at === undefined ? sayConnection(connection) : showInstant(at, Date.now())
  return (
    <div className="alone" data-testid="frame.alone">
      <main className={at === undefined ? 'screen' : 'screen past'}><Boundary key={screen}><Suspense>{View && <View />}</Suspense></Boundary></main>
      <a className="alone-mark" href={linkTo(currentPlace())} target="_blank" rel="noreferrer" title={t('frame.open-whole')} aria-label={[t('frame.open-whole'), said].filter(Boolean).join(', ')} data-testid="frame.alone.mark" data-state={state}
        onFocus={({ currentTarget }) => { currentTarget.href = linkTo(currentPlace()) }} onPointerEnter={({ currentTarget }) => { currentTarget.href = linkTo(currentPlace()) }}>
        <span className={`dot ${state}`} />{said !== '' && <span className="num">{said}</span>}<OpenIcon size={12} aria-hidden />
      </a>
    </div>
  )
}
