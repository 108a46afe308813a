import './parts.css'
import type { ReactNode } from 'react'
import { useGraph, useModels } from '@/state/graph'
import { lookOf } from '@/state/looks'
import { modelOf, useKnownTwin } from '@/state/twins'
import { formatSelection, useGoing } from '@/state/url'
import { MarkIcon } from '@/ui/mark'
import { labelOf } from './values/show'

/** A twin as a mark and its name: a link that selects it. Its document is found in the store, where it is known. */
export function TwinChip({ id, testId, plain = false }: { id: string; testId?: string; plain?: boolean }): ReactNode {
  const { twins } = useGraph()
  const models = useModels()
  const { place, step, href } = useGoing()
  const known = useKnownTwin(twins, id)
  const to = place.screen === 'twins' ? href({ screen: 'twins', rest: [id] }) : undefined
  const text = known ? labelOf(known.twin) : id
  return (
    <a className={plain ? 'twin-link' : 'chip'} href={to ?? `?sel=${encodeURIComponent(id)}`} title={id} data-testid={testId} onClick={(event) => {
      if (event.ctrlKey || event.metaKey || event.button !== 0) return
      event.preventDefault()
      if (place.screen === 'twins') step({ sel: undefined })
      step({ sel: formatSelection([id]) })
    }}>
      {known && <MarkIcon look={lookOf(models, modelOf(known.twin))} />}
      <span className="cut">{text}</span>
    </a>
  )
}
