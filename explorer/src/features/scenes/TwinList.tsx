import { type ReactNode, useMemo, useState } from 'react'
import { labelOf } from '@/parts/values/show'
import { useTwinSearch } from '@/parts/twins'
import { useModels } from '@/state/graph'
import { lookOf } from '@/state/looks'
import { modelOf } from '@/state/twins'
import { t } from '@/text/text'
import { Button } from '@/ui/button'
import { GripIcon } from '@/ui/icons'
import { MarkIcon } from '@/ui/mark'
import { DRAGGED_TWIN } from './drag'
import type { EditorProps } from './Editor'
import { bind } from './scene'

/** Twins to be dragged onto elements; or, with an element chosen, bound to it by a button. */
export function TwinList({ scene, draft, picked }: EditorProps): ReactNode {
  const models = useModels()
  const [sought, setSought] = useState('')
  const { data } = useTwinSearch(sought)
  const bound = useMemo(() => new Set(scene.bindings.map((each) => each.twin)), [scene.bindings])
  return (
    <div className="scenes-edit">
      <div className="scenes-side-head">
        <input className="input" type="search" value={sought} placeholder={t('scenes.find-twin')} aria-label={t('scenes.find-twin')} onChange={(event) => { setSought(event.target.value) }} data-testid="scenes.twins.find" />
        <span className="hint">{t('scenes.drag-hint')}</span>
      </div>
      <ul className="scenes-twins scroll">
        {(data ?? []).map((twin) => {
          const id = twin.$dtId
          return (
            <li key={id} className="row scenes-twin" draggable title={id} data-testid={`scenes.twins.${id}`}
              onDragStart={(event) => { event.dataTransfer.setData(DRAGGED_TWIN, id); event.dataTransfer.setData('text/plain', id); event.dataTransfer.effectAllowed = 'linkMove' }}>
              <GripIcon size={14} aria-hidden />
              <MarkIcon look={lookOf(models, modelOf(twin))} />
              <span className="grow cut">{labelOf(twin)}</span>
              {bound.has(id) && <span className="hint">{t('scenes.state-bound')}</span>}
              {picked !== undefined && <Button look="quiet" onClick={() => { draft.change((before) => bind(before, picked, id)) }}>{t('scenes.bind-here')}</Button>}
            </li>
          )
        })}
        {data?.length === 0 && <li className="hint scenes-nothing">{t('scenes.none-found')}</li>}
      </ul>
    </div>
  )
}
