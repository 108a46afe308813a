import { type ReactNode, useState } from 'react'
import { t } from '@/text/text'
import { Button, IconButton } from '@/ui/button'
import { Switch } from '@/ui/controls'
import { AddIcon, DeleteIcon, DownIcon, UpIcon } from '@/ui/icons'
import { Empty } from '@/ui/states'
import { BehaviourForm } from './BehaviourForm'
import type { EditorProps } from './Editor'
import { boundTo } from './effects'
import { effectText } from './EffectFields'
import { type Behaviour, firstEffect, MOST_BEHAVIOURS, newId, putBehaviour, type Scene } from './scene'

function swapped(list: readonly Behaviour[], index: number, by: number): readonly Behaviour[] {
  const next = [...list]
  const [one, other] = [next[index], next[index + by]]
  if (one && other) { next[index] = other; next[index + by] = one }
  return next
}

/** The model that most of the bound twins are of. */
function usualModel({ scene, lively }: EditorProps): string | undefined {
  const counts = new Map<string, number>()
  for (const { twin } of scene.bindings) {
    const model = lively.facts.subject(twin)?.model
    if (model !== undefined) counts.set(model, (counts.get(model) ?? 0) + 1)
  }
  return [...counts].sort((one, other) => other[1] - one[1])[0]?.[0]
}

/** Behaviours in the order in which they act; the drawing shows each change at once. */
export function Behaviours(props: EditorProps): ReactNode {
  const { scene, lively, draft } = props
  const [edited, setEdited] = useState<string>()
  const behaviour = scene.behaviours.find((each) => each.id === edited)
  const change = (how: (before: Scene) => Scene): void => { draft.change(how) }
  const model = usualModel(props)
  const add = (): void => {
    const name = t('scenes.new-behaviour')
    const id = newId('behaviour', scene.behaviours.map((each) => each.id))
    change((before) => putBehaviour(before, { id, name, on: model === undefined ? { elements: before.bindings.map((each) => each.element) } : { model }, property: 'name', effect: firstEffect('label') }))
    setEdited(id)
  }
  if (behaviour) return <BehaviourForm {...props} behaviour={behaviour} onChange={(next) => { change((before) => putBehaviour(before, next)) }} onClose={() => { setEdited(undefined) }} />
  return (
    <div className="scenes-form">
      {scene.behaviours.length === 0 && <Empty text={scene.bindings.length === 0 ? t('scenes.bind-first') : t('scenes.no-behaviours')} />}
      <ul className="scenes-behaviours">
        {scene.behaviours.map((each, index) => (
          <li key={each.id} className="card scenes-behaviour">
            <button type="button" className="scenes-behaviour-name" onClick={() => { setEdited(each.id) }} data-testid={`scenes.behaviour.${each.id}`}>
              <span className="cut">{each.name}</span>
              <span className="hint cut">{effectText(each.effect.kind)} · {each.property} · {t('scenes.bound-count', { n: boundTo(each, scene.bindings, lively.facts).length })}</span>
            </button>
            <span className="row scenes-behaviour-acts">
              <Switch label={t('scenes.on-at-first')} on={each.off !== true} onChange={(on) => { change((before) => putBehaviour(before, on ? withoutOff(each) : { ...each, off: true })) }} />
              <IconButton icon={UpIcon} label={t('scenes.earlier')} disabled={index === 0} onClick={() => { change((before) => ({ ...before, behaviours: swapped(before.behaviours, index, -1) })) }} />
              <IconButton icon={DownIcon} label={t('scenes.later')} disabled={index === scene.behaviours.length - 1} onClick={() => { change((before) => ({ ...before, behaviours: swapped(before.behaviours, index, 1) })) }} />
              <IconButton icon={DeleteIcon} label={t('scenes.remove', { name: each.name })} onClick={() => { change((before) => ({ ...before, behaviours: before.behaviours.filter((other) => other.id !== each.id) })) }} />
            </span>
          </li>
        ))}
      </ul>
      {scene.behaviours.length < MOST_BEHAVIOURS && scene.bindings.length > 0 && <p><Button icon={AddIcon} onClick={add} data-testid="scenes.behaviour.add">{t('scenes.add-behaviour')}</Button></p>}
    </div>
  )
}

function withoutOff({ off: _off, ...rest }: Behaviour): Behaviour { return rest }
