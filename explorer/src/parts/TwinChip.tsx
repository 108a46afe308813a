import './parts.css'
import type { ReactNode } from 'react'
import { Link } from 'wouter'
import { useGraph, useModels } from '@/state/graph'
import { lookOf } from '@/state/looks'
import { modelOf, useKnownTwin } from '@/state/twins'
import { formatSelection, type Going, type Parameters, useGoing } from '@/state/url'
import { MarkIcon } from '@/ui/mark'
import { labelOf } from './values/show'

/** Address of a place where a twin is selected: on its own page the page is another one. */
function addressOf({ place, href }: Going, id: string): string {
  if (place.screen === 'twins') return href({ screen: 'twins', rest: [id] })
  const { tab: _tab, ...kept } = place.parameters
  const sel = formatSelection([id])
  const parameters: Parameters = { ...kept, ...(sel !== undefined && { sel }) }
  return href({ ...place, parameters })
}

/** A twin as a mark and its name: a link that selects it. Its document is found in the store, where it is known. */
export function TwinChip({ id, testId, plain = false }: { id: string; testId?: string; plain?: boolean }): ReactNode {
  const { twins } = useGraph()
  const models = useModels()
  const going = useGoing()
  const known = useKnownTwin(twins, id)
  return (
    <Link className={plain ? 'twin-link' : 'chip'} href={addressOf(going, id)} title={id} data-testid={testId}>
      {known && <MarkIcon look={lookOf(models, modelOf(known.twin))} />}
      <span className="cut">{known ? labelOf(known.twin) : id}</span>
    </Link>
  )
}
