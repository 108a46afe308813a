import './inspector.css'
import type { ReactNode } from 'react'
import { useGoing } from '@/state/url'
import { t } from '@/text/text'
import { Empty } from '@/ui/states'
import { selectionOf } from '@/state/url'
import TwinView from './TwinView'

/** A twin as a full page, for links from elsewhere. A twin that is chosen on it takes its place. */
export default function Page(): ReactNode {
  const { place } = useGoing()
  const id = selectionOf(place.parameters)[0] ?? place.rest[0]
  if (id === undefined) return <Empty text={t('inspector.no-twin')} />
  return <div className="in-page"><div className="in-page-card card"><TwinView key={id} id={id} page /></div></div>
}
