import { type ReactNode, useMemo } from 'react'
import { useModels } from '@/state/graph'
import { t } from '@/text/text'
import { Button, IconButton } from '@/ui/button'
import { Field, Segments } from '@/ui/controls'
import { Select } from '@/ui/select'
import { LeftIcon } from '@/ui/icons'
import type { EditorProps } from './Editor'
import { EffectFields, effectText } from './EffectFields'
import { NumberField } from './NumberField'
import { modelsFor, propertiesOf } from './properties'
import { type Behaviour, EFFECTS, firstEffect } from './scene'
import { WidgetFields } from './WidgetFields'

const MOST_NAME = 200

interface FormProps extends EditorProps { readonly behaviour: Behaviour; readonly onChange: (behaviour: Behaviour) => void; readonly onClose: () => void }

/** Set a member, or take it away: documents have no members that say nothing. */
export function withMember<T extends object, K extends keyof T>(value: T, key: K, to: T[K] | undefined): T {
  if (to !== undefined) return { ...value, [key]: to }
  const { [key]: _gone, ...rest } = value
  // What was taken away is one of the members that may be absent.
  return rest as unknown as T
}

/** One behaviour: of what, of which property, and what it does. */
export function BehaviourForm({ scene, lively, behaviour, picked, onChange, onClose }: FormProps): ReactNode {
  const models = useModels()
  const used = useMemo(() => new Set(scene.bindings.flatMap((each) => lively.facts.subject(each.twin)?.model ?? [])), [scene.bindings, lively])
  const choices = useMemo(() => modelsFor(models, used), [models, used])
  const { model, elements } = behaviour.on
  const properties = useMemo(() => {
    const found = new Map((model === undefined ? [...used] : [model]).flatMap((id) => propertiesOf(models, id)).map((each) => [each.path, each]))
    return [...found.values()]
  }, [models, model, used])
  const property = properties.find((each) => each.path === behaviour.property)
  const set = (change: Partial<Behaviour>): void => { onChange({ ...behaviour, ...change }) }
  return (
    <div className="scenes-form" data-testid="scenes.behaviour-form">
      <p className="row scenes-form-head"><IconButton icon={LeftIcon} label={t('scenes.behaviours')} onClick={onClose} data-testid="scenes.behaviour.back" /><span className="cut grow scenes-form-title">{behaviour.name}</span></p>
      <Field label={t('scenes.name')}><input className="input" maxLength={MOST_NAME} value={behaviour.name} onChange={(event) => { set({ name: event.target.value }) }} data-testid="scenes.behaviour.name" /></Field>
      <div className="field">
        <span className="field-label">{t('scenes.on')}</span>
        <Segments label={t('scenes.on')} value={model === undefined ? 'elements' : 'model'} testId="scenes.behaviour.on" choices={[{ value: 'model', text: t('scenes.on-model') }, { value: 'elements', text: t('scenes.on-elements') }]}
          onChange={(to) => { set({ on: to === 'model' ? { model: choices[0] ?? '' } : { elements: picked === undefined ? scene.bindings.map((each) => each.element) : [picked] } }) }} />
        {model !== undefined && <Select label={t('scenes.model')} value={model} choices={(choices.includes(model) ? choices : [model, ...choices]).map((id) => ({ value: id, text: models.name(id), hint: id.split(':').at(-1) ?? '' }))} onChange={(id) => { set({ on: { model: id } }) }} testId="scenes.behaviour.model" />}
        {elements && <Elements elements={elements} picked={picked} onChange={(next) => { if (next.length > 0) set({ on: { elements: next } }) }} />}
      </div>
      <Field label={t('scenes.property')} {...(property && { hint: property.unit === '' ? property.schema.kind : `${property.schema.kind}, ${property.unit}` })}>
        <Select label={t('scenes.property')} value={behaviour.property} choices={(property ? properties : [{ path: behaviour.property, title: behaviour.property }, ...properties]).map((each) => ({ value: each.path, text: each.title }))} onChange={(path) => { set({ property: path }) }} testId="scenes.behaviour.property" />
      </Field>
      <div className="scenes-pair">
        <NumberField label={t('scenes.scale')} value={behaviour.scale} placeholder="1" onChange={(scale) => { onChange(withMember(behaviour, 'scale', scale)) }} />
        <NumberField label={t('scenes.offset')} value={behaviour.offset} placeholder="0" onChange={(offset) => { onChange(withMember(behaviour, 'offset', offset)) }} />
      </div>
      <Field label={t('scenes.effect')}><Select label={t('scenes.effect')} value={behaviour.effect.kind} choices={EFFECTS.map((kind) => ({ value: kind, text: effectText(kind) }))} onChange={(kind) => { set({ effect: firstEffect(kind) }) }} testId="scenes.behaviour.effect" /></Field>
      <EffectFields key={behaviour.effect.kind} effect={behaviour.effect} schema={property?.schema} onChange={(effect) => { set({ effect }) }} />
      <WidgetFields widgets={behaviour.widgets ?? []} properties={properties} onChange={(widgets) => { onChange(withMember(behaviour, 'widgets', widgets.length === 0 ? undefined : widgets)) }} />
    </div>
  )
}

function Elements({ elements, picked, onChange }: { elements: readonly string[]; picked: string | undefined; onChange: (elements: readonly string[]) => void }): ReactNode {
  return (
    <>
      <span className="scenes-chips">
        {elements.map((each) => <button key={each} type="button" className="chip" title={t('scenes.remove', { name: each })} disabled={elements.length === 1} onClick={() => { onChange(elements.filter((other) => other !== each)) }}><code className="cut">{each}</code></button>)}
      </span>
      {picked !== undefined && !elements.includes(picked) && <Button look="quiet" onClick={() => { onChange([...elements, picked]) }}>{t('scenes.add-element', { id: picked })}</Button>}
    </>
  )
}
