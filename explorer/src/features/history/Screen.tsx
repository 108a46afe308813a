import './history.css'
import type { ReactNode } from 'react'
import { useMayLookBack } from '@/parts/time-bar/activity'
import { useMe } from '@/state/graph'
import { useGoing } from '@/state/url'
import { t } from '@/text/text'
import { Segments } from '@/ui/controls'
import { CompareIcon, LiveIcon } from '@/ui/icons'
import { Empty } from '@/ui/states'
import { Charts } from './Charts'
import { Diff } from './Diff'

type Tab = 'charts' | 'diff'

/** The past: values over time, and what differs between two instants (design 5.6). */
export default function HistoryScreen(): ReactNode {
  const { place, step } = useGoing()
  const may = useMayLookBack()
  const me = useMe()
  const { as, a } = place.parameters
  const shown: Tab = as === 'diff' || (as === undefined && a !== undefined) ? 'diff' : 'charts'
  if (!may) return me.data ? <Empty text={t('history.none')} /> : null
  return (
    <div className="history column" data-testid="history">
      <h1 className="unseen">{t('screens.history')}</h1>
      <div className="screen-head">
        <Segments<Tab> label={t('screens.history')} value={shown} onChange={(next) => { step({ as: next }) }} testId="history.tab" choices={[{ value: 'charts', text: t('history.charts'), icon: LiveIcon }, { value: 'diff', text: t('history.differences'), icon: CompareIcon }]} />
      </div>
      {shown === 'charts' ? <Charts /> : <Diff />}
    </div>
  )
}
