import { type ReactNode, useMemo, useState } from 'react'
import { TwinName } from '@/parts/TwinName'
import { t } from '@/text/text'
import { Empty } from '@/ui/states'
import { Tree, type TreeRow } from '@/ui/tree'
import type { Drawing } from './drawing'
import { boundTo, counted, numberOf, showNumber, valueAt } from './effects'
import type { Behaviour, Binding, Scene } from './scene'
import type { Lively } from './useLively'

export interface ListProps {
  readonly scene: Scene
  readonly drawing: Drawing | undefined
  readonly lively: Lively
  readonly chosen: ReadonlySet<string>
  readonly onChoose: (element: string | undefined) => void
  readonly onHover: (element: string | undefined) => void
}

/** The list says a value in as many digits as the drawing does. */
function digitsOf(scene: Scene, { property }: Behaviour): number | undefined {
  const label = scene.behaviours.find((each) => each.effect.kind === 'label' && each.property === property)
  return label?.effect.kind === 'label' ? label.effect.digits : undefined
}

/** The value of the first behaviour that is on and is of an element. */
function shownValues(scene: Scene, lively: Lively, isOn: (behaviour: Behaviour) => boolean): ReadonlyMap<string, string> {
  const found = new Map<string, string>()
  for (const behaviour of scene.behaviours.filter(isOn)) {
    for (const { element, twin } of boundTo(behaviour, scene.bindings, lively.facts)) {
      const subject = lively.facts.subject(twin)
      const value = subject && counted(behaviour, valueAt(subject.twin, behaviour.property))
      if (!subject || value === undefined || value === null || found.has(element)) continue
      const number = numberOf(value)
      const unit = lively.facts.unit(subject.model, behaviour.property)
      const digits = digitsOf(scene, behaviour)
      const text = number === undefined ? lively.facts.say(subject.model, behaviour.property, value) : showNumber(number, digits)
      found.set(element, unit === '' ? text : `${text} ${unit}`)
    }
  }
  return found
}

function nameOf(lively: Lively, binding: Binding): string { return lively.facts.subject(binding.twin)?.name ?? binding.twin }

/** The bound elements by the names of their twins, with what they show. */
export function ElementList({ scene, lively, chosen, onChoose, onHover, isOn }: ListProps & { isOn: (behaviour: Behaviour) => boolean }): ReactNode {
  const [sought, setSought] = useState('')
  const values = useMemo(() => shownValues(scene, lively, isOn), [scene, lively, isOn])
  const wanted = sought.trim().toLowerCase()
  const bindings = useMemo(() => {
    const all = scene.bindings.map((each) => ({ ...each, name: nameOf(lively, each) })).filter((each) => `${each.name} ${each.twin} ${each.element}`.toLowerCase().includes(wanted))
    return all.sort((one, other) => one.name.localeCompare(other.name, undefined, { numeric: true }))
  }, [scene.bindings, lively, wanted])
  const rows = bindings.map((each): TreeRow => ({
    id: each.element, depth: 0, open: undefined,
    content: (
      <span className="row grow scenes-row" onPointerEnter={() => { onHover(each.element) }} onPointerLeave={() => { onHover(undefined) }}>
        <span className="grow cut"><TwinName id={each.twin} /></span>
        {lively.missing?.has(each.twin) ? <span className="tag warn">{t('scenes.state-missing')}</span> : <span className="num scenes-value">{values.get(each.element) ?? ''}</span>}
      </span>
    ),
  }))
  return (
    <>
      <div className="scenes-side-head"><input className="input" type="search" value={sought} placeholder={t('scenes.find')} aria-label={t('scenes.find')} onChange={(event) => { setSought(event.target.value) }} data-testid="scenes.find" /></div>
      {rows.length === 0 ? <Empty text={scene.bindings.length === 0 ? t('scenes.no-bindings') : t('scenes.none-found')} />
        : <div className="scenes-tree"><Tree label={t('scenes.elements')} rows={rows} chosen={[...chosen].at(-1)} onChoose={onChoose} onToggle={() => undefined} testId="scenes.element" /></div>}
    </>
  )
}
