import type { ReactNode } from 'react'
import { t } from '@/text/text'
import { IconButton } from '@/ui/button'
import { Field } from '@/ui/controls'
import { Select } from '@/ui/select'
import { DeleteIcon } from '@/ui/icons'
import { withMember } from './BehaviourForm'
import { NumberField } from './NumberField'
import type { Property } from './properties'
import type { Widget } from './scene'

const MOST_WIDGETS = 10
const SAME = '='

function kindText(kind: Widget['kind']): string {
  return kind === 'value' ? t('scenes.widget-value') : kind === 'sparkline' ? t('scenes.widget-sparkline') : t('scenes.widget-link')
}

function firstWidget(kind: Widget['kind']): Widget {
  return kind === 'link' ? { kind, text: t('scenes.widget-link'), url: 'https://example.org/{id}' } : { kind }
}

/** What is told beside the selected element. */
export function WidgetFields({ widgets, properties, onChange }: { widgets: readonly Widget[]; properties: readonly Property[]; onChange: (widgets: readonly Widget[]) => void }): ReactNode {
  const put = (index: number, widget: Widget): void => { onChange(widgets.map((each, at) => (at === index ? widget : each))) }
  return (
    <section className="scenes-widget-fields">
      <h3>{t('scenes.widgets')}</h3>
      {widgets.map((widget, index) => (
        <fieldset key={index} className="scenes-range-form">
          <p className="row"><span className="grow">{kindText(widget.kind)}</span><IconButton icon={DeleteIcon} label={t('scenes.remove', { name: kindText(widget.kind) })} onClick={() => { onChange(widgets.filter((_each, at) => at !== index)) }} /></p>
          {widget.kind !== 'link' && <Field label={t('scenes.property')}><Select label={t('scenes.property')} value={widget.property ?? SAME} choices={[{ value: SAME, text: t('scenes.same-property') }, ...properties.map((each) => ({ value: each.path, text: each.title }))]} onChange={(path) => { put(index, withMember(widget, 'property', path === SAME ? undefined : path)) }} /></Field>}
          {widget.kind === 'value' && <Field label={t('scenes.widget-label')}><input className="input" maxLength={200} value={widget.label ?? ''} onChange={(event) => { put(index, withMember(widget, 'label', event.target.value === '' ? undefined : event.target.value)) }} /></Field>}
          {widget.kind === 'sparkline' && <NumberField label={t('scenes.minutes')} value={widget.minutes} placeholder="60" onChange={(minutes) => { put(index, withMember(widget, 'minutes', minutes === undefined ? undefined : Math.min(10_080, Math.max(1, Math.round(minutes))))) }} />}
          {widget.kind === 'link' && (
            <>
              <Field label={t('scenes.widget-label')}><input className="input" maxLength={200} value={widget.text} onChange={(event) => { put(index, { ...widget, text: event.target.value }) }} /></Field>
              <Field label={t('scenes.url')} error={/^https?:\/\/\S+$/.test(widget.url) ? undefined : t('scenes.bad-url')} hint={t('scenes.url-hint')}><input className="input mono" value={widget.url} onChange={(event) => { put(index, { ...widget, url: event.target.value }) }} /></Field>
            </>
          )}
        </fieldset>
      ))}
      {widgets.length < MOST_WIDGETS && <Select label={t('scenes.add-widget')} value={undefined} placeholder={t('scenes.add-widget')} choices={(['value', 'sparkline', 'link'] as const).map((kind) => ({ value: kind, text: kindText(kind) }))} onChange={(kind) => { onChange([...widgets, firstWidget(kind)]) }} testId="scenes.widget.add" />}
    </section>
  )
}
