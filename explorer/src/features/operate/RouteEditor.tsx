import type { ReactNode } from 'react'
import { path } from '@/api/http'
import { completeFilter } from '@/lang/filter-lang'
import { rangeOf } from '@/lang/repair'
import { Editor } from '@/parts/editor/Editor'
import { FILTER } from '@/parts/editor/languages'
import { useFacts } from '@/parts/facts'
import { FormNote } from '@/parts/form/FormNote'
import { textIn } from '@/parts/form/kept'
import { useForm } from '@/parts/form/useForm'
import { twinOf } from '@/state/eventlog'
import { formatNumber, t } from '@/text/text'
import { Button } from '@/ui/button'
import { Field } from '@/ui/controls'
import { Select } from '@/ui/select'
import { Dialog } from '@/ui/dialog'
import { type Endpoint, type RouteState, useAct, useList } from './data'
import { type Preview, usePreview } from './preview'

/** The form of a new one, by the filter that it begins with. */
export const NEW_ROUTE = 'new-route'

interface RouteEditorProps {
  /** Undefined makes a new one. */
  readonly route: RouteState | undefined
  /** What a new one begins with; empty passes all. */
  readonly filter: string
  readonly onClose: () => void
}

/** A route's filter, with what it would have let through beside it (design 5.8). */
export function RouteEditor({ route, filter: given, onClose }: RouteEditorProps): ReactNode {
  const act = useAct()
  const facts = useFacts()
  const endpoints = useList<Endpoint>('/kastor/v1/endpoints')
  const form = useForm({
    ...(route ? { kind: 'route', name: route.id } : { kind: NEW_ROUTE, name: given }),
    begin: () => ({ id: route?.id ?? '', endpoint: route?.endpointName, filter: route?.filter ?? (given === '' ? 'true' : given) }),
    read: (kept) => ({ id: route?.id ?? textIn(kept, 'id') ?? '', endpoint: textIn(kept, 'endpoint'), filter: textIn(kept, 'filter') ?? 'true' }),
  })
  const { id, endpoint, filter } = form.value
  const preview = usePreview(filter.trim() === '' ? 'true' : filter)
  const place = preview.error?.details[0]
  const problems = preview.error && place?.line !== undefined && preview.filter === filter
    ? [{ ...rangeOf(filter, { line: place.line, column: place.column ?? 0, length: Math.max(1, place.length ?? 1) }), severity: 'error' as const, message: place.message }] : []
  const choices = (endpoints.data ?? []).map((each) => ({ value: each.name, text: each.name, hint: each.kind }))
  const save = async (): Promise<void> => {
    const done = await act({ method: 'PUT', path: path('/eventroutes/{id}', { id }), body: { endpointName: endpoint, filter } }, t('operate.saved', { id }))
    if (!done) return
    form.forget()
    onClose()
  }
  return (
    <Dialog open wide title={route ? t('operate.edit-route', { id }) : t('operate.add-route')} onClose={() => { form.putAside(); onClose() }} testId="operate.route-editor" foot={(
      <><Button onClick={() => { form.forget(); onClose() }} data-testid="operate.route-cancel">{t('ui.cancel')}</Button><Button look="main" disabled={id === '' || endpoint === undefined || preview.error !== undefined} onClick={() => { void save() }} data-testid="operate.route-save">{t('operate.save')}</Button></>
    )}>
      <FormNote form={form} />
      <div className="operate-form">
        <Field label={t('operate.name')}><input className="input mono" value={id} readOnly={route !== undefined} onChange={(event) => { form.change({ id: event.target.value }) }} data-testid="operate.route-id" /></Field>
        <Field label={t('operate.endpoint')} hint={choices.length === 0 ? t('operate.no-endpoints') : undefined}><Select label={t('operate.endpoint')} value={endpoint} placeholder={t('operate.choose')} choices={choices} onChange={(next) => { form.change({ endpoint: next }) }} testId="operate.route-endpoint" /></Field>
      </div>
      <p className="field-label">{t('operate.filter')}</p>
      <div className="operate-filter"><Editor label={t('operate.filter')} value={filter} onChange={(next) => { form.change({ filter: next }) }} language={FILTER} problems={problems} complete={(text, cursor) => completeFilter(text, cursor, facts)} testId="operate.filter" /></div>
      {preview.error && <p className="field-error" role="alert" data-testid="operate.filter-error">{place?.message ?? preview.error.message}</p>}
      <PreviewList preview={preview} />
    </Dialog>
  )
}

function PreviewList({ preview }: { preview: Preview }): ReactNode {
  const newest = preview.events.toReversed()
  return (
    <div className="operate-preview" data-testid="operate.preview" data-passed={preview.passed} data-total={preview.total}>
      <p className="secondary num" role="status">{t('operate.preview', { passed: formatNumber(preview.passed), total: formatNumber(preview.total) })}</p>
      <ul className="scroll" tabIndex={0} aria-label={t('operate.filter')}>
        {newest.map(({ event, passes }) => (
          <li key={event.source + event.id} className={passes ? 'row passes' : 'row'}>
            <span className={`tag ${passes ? 'ok' : ''}`}>{t(passes ? 'operate.passes' : 'operate.stays')}</span>
            <code className="cut">{event.type.replace('Microsoft.DigitalTwins.', '')}</code><code className="cut grow">{twinOf(event)}</code>
            <span className="hint cut">{passes ? '' : t('operate.why', { filter: preview.filter })}</span>
          </li>
        ))}
      </ul>
    </div>
  )
}
