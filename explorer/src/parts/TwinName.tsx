import type { ReactNode } from 'react'
import { useGraph, useModels } from '@/state/graph'
import { lookOf } from '@/state/looks'
import { modelOf, useKnownTwin } from '@/state/twins'
import { MarkIcon } from '@/ui/mark'
import { labelOf } from './values/show'

/** A twin's mark and name, where it is no link. */
export function TwinName({ id }: { id: string }): ReactNode {
  const { twins } = useGraph()
  const models = useModels()
  const known = useKnownTwin(twins, id)
  return (
    <span className="row" title={id}>
      {known && <MarkIcon look={lookOf(models, modelOf(known.twin))} />}
      <span className="cut">{known ? labelOf(known.twin) : id}</span>
    </span>
  )
}
