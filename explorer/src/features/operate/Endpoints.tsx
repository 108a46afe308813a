import { type ReactNode, useState } from 'react'
import { path } from '@/api/http'
import { isObject, writeJson } from '@/api/json'
import { FormNote } from '@/parts/form/FormNote'
import { textIn, textsIn } from '@/parts/form/kept'
import { useForm, useWaitingForm } from '@/parts/form/useForm'
import { useMay } from '@/state/graph'
import { t } from '@/text/text'
import { Button, IconButton } from '@/ui/button'
import { Field, Switch } from '@/ui/controls'
import { Select } from '@/ui/select'
import { Confirm, Dialog } from '@/ui/dialog'
import { AddIcon, DeleteIcon, EditIcon } from '@/ui/icons'
import { type Endpoint, useAct, useList } from './data'
import { EndpointTest } from './EndpointTest'
import { KINDS, type Setting, settingsOf, typedOf } from './kinds'
import { Part } from './Part'
import { stillLost, withoutSecrets } from './secrets'

/** Where events go. Secrets are references and never shown. */
export function Endpoints(): ReactNode {
  const may = useMay()
  const act = useAct()
  const endpoints = useList<Endpoint>('/kastor/v1/endpoints')
  // The empty name makes a new one.
  const waiting = useWaitingForm('endpoint')
  const [editing, setEditing] = useState(waiting)
  const edited = endpoints.data?.find((each) => each.name === editing)
  const [deleting, setDeleting] = useState<Endpoint>()
  return (
    <>
      <Part title={t('operate.endpoints')} query={endpoints} empty={t('operate.no-endpoints')} actions={may('kastor/endpoints/write') && <Button look="main" icon={AddIcon} onClick={() => { setEditing('') }} data-testid="operate.endpoints.add">{t('operate.add-endpoint')}</Button>}>
        {(rows) => <div className="operate-cards">{rows.map((each) => (
          <article key={each.name} className="card operate-card" data-testid={`operate.endpoint.${each.name}`}>
            <div className="row"><h3 className="grow mono">{each.name}</h3><span className="tag">{each.kind}</span>
              {may('kastor/endpoints/write') && <IconButton icon={EditIcon} label={t('operate.edit')} onClick={() => { setEditing(each.name) }} />}
              {may('kastor/endpoints/delete') && <IconButton icon={DeleteIcon} label={t('operate.delete')} onClick={() => { setDeleting(each) }} />}</div>
            <pre className="operate-settings">{writeJson(each.settings, 2)}</pre>
            {may('kastor/endpoints/write') && <EndpointTest name={each.name} />}
            <p className="hint">{each.routes.length === 0 ? t('operate.unused') : t('operate.used-by', { routes: each.routes.join(', ') })}</p>
          </article>
        ))}</div>}
      </Part>
      {may('kastor/endpoints/write') && editing !== undefined && (editing === '' || edited) && <EndpointEditor endpoint={edited} onClose={() => { setEditing(undefined) }} />}
      {deleting && <Confirm open title={t('operate.delete-endpoint', { name: deleting.name })} text={t('operate.delete-endpoint-text')} act={t('operate.delete')} onClose={() => { setDeleting(undefined) }}
        onConfirm={() => { setDeleting(undefined); void act({ method: 'DELETE', path: path('/kastor/v1/endpoints/{name}', { name: deleting.name }) }, t('operate.deleted', { id: deleting.name })) }} />}
    </>
  )
}

interface Written {
  readonly name: string
  readonly kind: string
  readonly typed: Readonly<Record<string, string>>
  /** Settings that were written and not kept. */
  readonly lost: readonly string[]
}

function EndpointEditor({ endpoint, onClose }: { endpoint: Endpoint | undefined; onClose: () => void }): ReactNode {
  const act = useAct()
  const saved = endpoint ? typedOf(endpoint.kind, endpoint.settings) : {}
  const form = useForm<Written>({
    kind: 'endpoint', name: endpoint?.name ?? '',
    begin: () => ({ name: endpoint?.name ?? '', kind: endpoint?.kind ?? 'webhook', typed: saved, lost: [] }),
    read: (kept) => {
      const typed = isObject(kept['typed']) ? kept['typed'] : {}
      const lost = textsIn(kept, 'lost')
      // What was kept nowhere is as it was saved; what somebody emptied stays empty.
      const asSaved = Object.entries(saved).filter(([name]) => !(name in typed))
      return {
        name: endpoint?.name ?? textIn(kept, 'name') ?? '', kind: textIn(kept, 'kind') ?? 'webhook', lost,
        typed: Object.fromEntries([...asSaved, ...Object.entries(typed).filter((each): each is [string, string] => typeof each[1] === 'string')]),
      }
    },
    write: ({ typed, lost, ...value }) => ({ ...value, ...withoutSecrets(typed, saved, lost) }),
  })
  const { name, kind, typed } = form.value
  const settings = KINDS[kind] ?? []
  const isWhole = name !== '' && settings.every((each) => each.needed === undefined || (typed[each.name] ?? '') !== '')
  const save = async (dryRun: boolean): Promise<void> => {
    // Settings that the form does not show stay as they are.
    const kept = endpoint?.kind === kind ? endpoint.settings : {}
    const body = { kind, settings: { ...Object.fromEntries(Object.entries(kept).filter(([key]) => !settings.some((each) => each.name === key))), ...settingsOf(kind, typed) } }
    const done = await act({ method: 'PUT', path: path('/kastor/v1/endpoints/{name}', { name }), body, headers: dryRun ? { 'kastor-dry-run': 'true' } : {} }, t(dryRun ? 'operate.would-save' : 'operate.saved', { id: name }))
    if (!done || dryRun) return
    form.forget()
    onClose()
  }
  return (
    <Dialog open wide title={endpoint ? t('operate.edit-endpoint', { name }) : t('operate.add-endpoint')} onClose={() => { form.putAside(); onClose() }} testId="operate.endpoint-editor" foot={(
      <><Button onClick={() => { form.forget(); onClose() }}>{t('ui.cancel')}</Button><Button disabled={!isWhole} onClick={() => { void save(true) }}>{t('operate.check')}</Button><Button look="main" disabled={!isWhole} onClick={() => { void save(false) }} data-testid="operate.endpoint-save">{t('operate.save')}</Button></>
    )}>
      <FormNote form={form} lost={stillLost(form.value.lost, typed, saved)} />
      <div className="operate-form">
        <Field label={t('operate.name')}><input className="input mono" value={name} readOnly={endpoint !== undefined} onChange={(event) => { form.change({ name: event.target.value }) }} data-testid="operate.endpoint-name" /></Field>
        <Field label={t('operate.kind')}><Select label={t('operate.kind')} value={kind} choices={Object.keys(KINDS).map((value) => ({ value, text: value }))} onChange={(next) => { form.change({ kind: next }) }} testId="operate.endpoint-kind" /></Field>
        {settings.map((each) => <SettingField key={`${kind}.${each.name}`} setting={each} text={typed[each.name] ?? ''} onChange={(text) => { form.change((before) => ({ typed: { ...before.typed, [each.name]: text } })) }} />)}
      </div>
    </Dialog>
  )
}

function SettingField({ setting, text, onChange }: { setting: Setting; text: string; onChange: (text: string) => void }): ReactNode {
  const { name, type, needed, choices, example } = setting
  const label = needed ? `${name} *` : name
  if (type === 'switch') return <div className="field"><span className="field-label">{label}</span><Switch label={name} on={text === 'true'} onChange={(on) => { onChange(String(on)) }} /></div>
  if (type === 'pairs') return <Field label={label} hint={t('operate.pairs-hint')}><textarea className="input mono" rows={2} placeholder={example} value={text} onChange={(event) => { onChange(event.target.value) }} data-testid={`operate.endpoint.${name}`} /></Field>
  if (choices) return <Field label={label}><Select label={name} value={text === '' ? undefined : text} placeholder={choices[0] ?? ''} choices={choices.map((value) => ({ value, text: value }))} onChange={onChange} /></Field>
  return <Field label={label} {...(type === 'secret' && { hint: t('operate.secret-hint') })}><input className="input mono" inputMode={type === 'number' ? 'numeric' : 'text'} placeholder={type === 'secret' ? 'env:KASTOR_SECRET_HOOK' : example} value={text} onChange={(event) => { onChange(event.target.value) }} data-testid={`operate.endpoint.${name}`} /></Field>
}
