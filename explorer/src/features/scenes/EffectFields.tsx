import { type ReactNode, useState } from 'react'
import { type ResolvedSchema, say } from '@/dtdl/model'
import { t } from '@/text/text'
import { Button, IconButton } from '@/ui/button'
import { type Choice, Field, Switch } from '@/ui/controls'
import { Select } from '@/ui/select'
import { AddIcon, DeleteIcon } from '@/ui/icons'
import { badgeIcon, BADGES } from './badges'
import { withMember } from './BehaviourForm'
import { ColourField } from './ColourField'
import { conditionText } from './Legend'
import { NumberField } from './NumberField'
import { COMPARISONS, type Condition, type Effect, type EffectKind, type Plain, type Range } from './scene'

const MOST_RANGES = 20
const MOST_DIGITS = 6

export function effectText(kind: EffectKind): string {
  switch (kind) {
    case 'ramp': return t('scenes.effect-ramp')
    case 'ranges': return t('scenes.effect-ranges')
    case 'visible': return t('scenes.effect-visible')
    case 'label': return t('scenes.effect-label')
    case 'badge': return t('scenes.effect-badge')
    case 'opacity': return t('scenes.effect-opacity')
  }
}

interface FieldsProps<E extends Effect> { readonly effect: E; readonly schema: ResolvedSchema | undefined; readonly onChange: (effect: E) => void }

/** The settings of an effect. */
export function EffectFields({ effect, schema, onChange }: FieldsProps<Effect>): ReactNode {
  switch (effect.kind) {
    case 'ramp': return (
      <>
        <div className="scenes-pair">
          <NumberField label={t('scenes.min')} value={effect.min} placeholder={t('scenes.as-seen')} onChange={(min) => { onChange(withMember(effect, 'min', min)) }} testId="scenes.effect.min" />
          <NumberField label={t('scenes.max')} value={effect.max} placeholder={t('scenes.as-seen')} onChange={(max) => { onChange(withMember(effect, 'max', max)) }} testId="scenes.effect.max" />
        </div>
        <p className="row scenes-switch"><Switch label={t('scenes.reverse')} on={effect.reverse === true} onChange={(on) => { onChange(withMember(effect, 'reverse', on ? true : undefined)) }} /><span>{t('scenes.reverse')}</span></p>
      </>
    )
    case 'ranges': return <Ranges effect={effect} schema={schema} onChange={onChange} />
    case 'visible': return <ConditionFields condition={effect.when} schema={schema} onChange={(when) => { onChange({ ...effect, when }) }} />
    case 'label': return (
      <>
        <Field label={t('scenes.template')} hint={t('scenes.template-hint')}><input className="input mono" maxLength={200} value={effect.text} onChange={(event) => { onChange({ ...effect, text: event.target.value }) }} data-testid="scenes.effect.text" /></Field>
        <Field label={t('scenes.digits')}><Select label={t('scenes.digits')} value={effect.digits === undefined ? 'auto' : String(effect.digits)} choices={['auto', ...Array.from({ length: MOST_DIGITS + 1 }, (_each, index) => String(index))].map((value) => ({ value, text: value === 'auto' ? t('scenes.digits-auto') : value }))} onChange={(value) => { onChange(withMember(effect, 'digits', value === 'auto' ? undefined : Number(value))) }} /></Field>
      </>
    )
    case 'badge': return <BadgeFields effect={effect} schema={schema} onChange={onChange} />
    case 'opacity': return (
      <>
        <div className="scenes-pair">
          <NumberField label={t('scenes.from')} value={effect.from} onChange={(from) => { if (from !== undefined) onChange({ ...effect, from }) }} />
          <NumberField label={t('scenes.to')} value={effect.to} onChange={(to) => { if (to !== undefined) onChange({ ...effect, to }) }} />
        </div>
        <div className="scenes-pair">
          <NumberField label={t('scenes.low')} value={effect.low} placeholder="0.15" onChange={(low) => { onChange(withMember(effect, 'low', low)) }} />
          <NumberField label={t('scenes.high')} value={effect.high} placeholder="1" onChange={(high) => { onChange(withMember(effect, 'high', high)) }} />
        </div>
      </>
    )
  }
}

function BadgeFields({ effect, schema, onChange }: FieldsProps<Extract<Effect, { kind: 'badge' }>>): ReactNode {
  return (
    <>
      <ConditionFields condition={effect.when} schema={schema} onChange={(when) => { onChange({ ...effect, when }) }} />
      <div className="field">
        <span className="field-label">{t('scenes.icon')}</span>
        <span className="scenes-icons" role="radiogroup" aria-label={t('scenes.icon')}>
          {BADGES.map((name) => {
            const Icon = badgeIcon(name)
            return <button key={name} type="button" role="radio" aria-checked={effect.icon === name} aria-label={name} title={name} className="icon-button" onClick={() => { onChange({ ...effect, icon: name }) }}><Icon size={14} aria-hidden /></button>
          })}
        </span>
      </div>
      <ColourField label={t('scenes.colour')} value={effect.color ?? 'danger'} onChange={(color) => { onChange({ ...effect, color }) }} />
      <Field label={t('scenes.badge-text')}><input className="input" maxLength={200} value={effect.text ?? ''} onChange={(event) => { onChange(withMember(effect, 'text', event.target.value === '' ? undefined : event.target.value)) }} /></Field>
    </>
  )
}

function valuesOf(schema: ResolvedSchema | undefined): readonly Choice<string>[] | undefined {
  if (schema?.kind === 'boolean') return [{ value: 'true', text: t('scenes.yes') }, { value: 'false', text: t('scenes.no') }]
  return schema?.kind === 'enum' ? schema.values.map((each) => ({ value: String(each.value), text: say(each.displayName, each.name) })) : undefined
}

/** A written value, as its schema has it; without one, what it looks like. */
function typed(text: string, schema: ResolvedSchema | undefined): Plain {
  if (schema?.kind === 'boolean') return text === 'true'
  if (schema?.kind === 'enum') return schema.values.find((each) => String(each.value) === text)?.value ?? text
  if (schema?.kind === 'string') return text
  return text.trim() !== '' && Number.isFinite(Number(text)) ? Number(text) : text
}

function PlainField({ label, value, schema, onChange }: { label: string; value: Plain | undefined; schema: ResolvedSchema | undefined; onChange: (value: Plain) => void }): ReactNode {
  const [text, setText] = useState<string>()
  const choices = valuesOf(schema)
  const shown = value === undefined ? '' : String(value)
  if (choices) return <Field label={label}><Select label={label} value={shown} choices={choices} onChange={(next) => { onChange(typed(next, schema)) }} /></Field>
  return <Field label={label}><input className="input" value={text ?? shown} onBlur={() => { setText(undefined) }} onChange={(event) => { setText(event.target.value); onChange(typed(event.target.value, schema)) }} data-testid="scenes.effect.value" /></Field>
}

function ConditionFields({ condition, schema, onChange }: { condition: Condition; schema: ResolvedSchema | undefined; onChange: (condition: Condition) => void }): ReactNode {
  const needsValue = condition.op !== 'set' && condition.op !== 'unset'
  return (
    <div className="scenes-pair">
      <Field label={t('scenes.when')}><Select label={t('scenes.when')} value={condition.op} choices={COMPARISONS.map((op) => ({ value: op, text: conditionText({ op, value: '' }, '').trim() }))} onChange={(op) => { onChange(op === 'set' || op === 'unset' ? { op } : { op, value: condition.value ?? typed(schema?.kind === 'string' ? '' : '0', schema) }) }} testId="scenes.effect.op" /></Field>
      {needsValue && <PlainField label={t('scenes.value')} value={condition.value} schema={schema} onChange={(value) => { onChange({ ...condition, value }) }} />}
    </div>
  )
}

function Ranges({ effect, schema, onChange }: FieldsProps<Extract<Effect, { kind: 'ranges' }>>): ReactNode {
  const isExact = valuesOf(schema) !== undefined || schema?.kind === 'string'
  const put = (index: number, range: Range): void => { onChange({ ...effect, ranges: effect.ranges.map((each, at) => (at === index ? range : each)) }) }
  return (
    <>
      {effect.ranges.map((range, index) => (
        <fieldset key={index} className="scenes-range-form">
          <div className="scenes-pair">
            {isExact ? <PlainField label={t('scenes.value')} value={range.value} schema={schema} onChange={(value) => { put(index, { value, color: range.color, ...(range.label !== undefined && { label: range.label }) }) }} /> : (
              <>
                <NumberField label={t('scenes.from')} value={range.from} onChange={(from) => { put(index, withMember(range, 'from', from)) }} />
                <NumberField label={t('scenes.below')} value={range.to} onChange={(to) => { put(index, withMember(range, 'to', to)) }} />
              </>
            )}
          </div>
          <div className="scenes-pair">
            <ColourField label={t('scenes.colour')} value={range.color} onChange={(color) => { put(index, { ...range, color }) }} />
            <Field label={t('scenes.range-label')}><input className="input" maxLength={200} value={range.label ?? ''} onChange={(event) => { put(index, withMember(range, 'label', event.target.value === '' ? undefined : event.target.value)) }} /></Field>
          </div>
          {effect.ranges.length > 1 && <IconButton icon={DeleteIcon} label={t('scenes.remove-range')} onClick={() => { onChange({ ...effect, ranges: effect.ranges.filter((_each, at) => at !== index) }) }} />}
        </fieldset>
      ))}
      {effect.ranges.length < MOST_RANGES && <p className="field"><Button icon={AddIcon} onClick={() => { onChange({ ...effect, ranges: [...effect.ranges, { color: 'muted' }] }) }}>{t('scenes.add-range')}</Button></p>}
    </>
  )
}
