import { type ReactNode, useState } from 'react'
import { asApiError } from '@/api/errors'
import { parseJson, writeJson } from '@/api/json'
import { Editor } from '@/parts/editor/Editor'
import { JSON_LANGUAGE } from '@/parts/editor/languages'
import { FormNote } from '@/parts/form/FormNote'
import { textIn, textsIn } from '@/parts/form/kept'
import { useForm } from '@/parts/form/useForm'
import { useMay } from '@/state/graph'
import { t } from '@/text/text'
import { Button } from '@/ui/button'
import { Field } from '@/ui/controls'
import { Dialog } from '@/ui/dialog'
import { Select } from '@/ui/select'
import { type Input, inputPath, useAct } from './data'
import { InputTry } from './InputTry'
import { holdsSecret } from './secrets'

const EXAMPLE = { host: 'broker.example.org', rules: [{ name: 'temperature', match: 'building/{room}/temperature', twin: 'room-{room}', patch: { '/temperature': '/value' } }] }
const KINDS = [{ value: 'mqtt', text: 'mqtt' }, { value: 'webhook', text: 'webhook' }]

interface Written {
  readonly name: string
  readonly kind: string
  readonly text: string
  /** What was written and not kept. */
  readonly lost: readonly string[]
}

/** An input's settings as JSON, checked and tried before they are saved. */
export function InputEditor({ input, onClose }: { input: Input | undefined; onClose: () => void }): ReactNode {
  const act = useAct()
  const may = useMay()
  const [trying, setTrying] = useState(false)
  const begun = writeJson(input?.settings ?? EXAMPLE, 2)
  const form = useForm<Written>({
    kind: 'input', name: input?.name ?? '',
    begin: () => ({ name: input?.name ?? '', kind: input?.kind ?? 'mqtt', text: begun, lost: [] }),
    read: (kept) => ({ name: input?.name ?? textIn(kept, 'name') ?? '', kind: textIn(kept, 'kind') ?? 'mqtt', text: textIn(kept, 'text') ?? begun, lost: textsIn(kept, 'lost') }),
    write: ({ text, lost, ...value }) => ({ ...value, ...(!holdsSecret(text) && { text }), lost: text === begun ? lost : holdsSecret(text) ? [t('operate.settings')] : [] }),
  })
  const { name, kind, text } = form.value
  const [error, setError] = useState<string>()
  const save = async (dryRun: boolean): Promise<void> => {
    setError(undefined)
    try {
      const settings = parseJson(text)
      const done = await act({ method: 'PUT', path: inputPath(name), body: { kind, settings }, headers: dryRun ? { 'kastor-dry-run': 'true' } : {} }, t(dryRun ? 'operate.would-save' : 'operate.saved', { id: name }))
      if (!done || dryRun) return
      form.forget()
      onClose()
    } catch (thrown) {
      setError(asApiError(thrown).message)
    }
  }
  return (
    <Dialog open wide title={input ? t('operate.edit-input', { name }) : t('operate.add-input')} onClose={() => { form.putAside(); onClose() }} testId="operate.input-editor" foot={(
      <><Button onClick={() => { form.forget(); onClose() }}>{t('ui.cancel')}</Button>{may('digitaltwins/read') && <Button disabled={name === ''} onClick={() => { setTrying(true) }} data-testid="operate.input-try">{t('operate.try')}</Button>}<Button disabled={name === ''} onClick={() => { void save(true) }}>{t('operate.check')}</Button><Button look="main" disabled={name === ''} onClick={() => { void save(false) }} data-testid="operate.input-save">{t('operate.save')}</Button></>
    )}>
      <FormNote form={form} lost={text === begun ? form.value.lost : []} />
      <div className="operate-form">
        <Field label={t('operate.name')}><input className="input mono" value={name} readOnly={input !== undefined} onChange={(event) => { form.change({ name: event.target.value }) }} data-testid="operate.input-name" /></Field>
        <Field label={t('operate.kind')}><Select label={t('operate.kind')} value={kind} choices={KINDS} onChange={(next) => { form.change({ kind: next }) }} testId="operate.input-kind" /></Field>
      </div>
      <p className="field-label">{t('operate.settings')}</p>
      <div className="operate-filter tall"><Editor label={t('operate.settings')} value={text} onChange={(next) => { form.change({ text: next }) }} language={JSON_LANGUAGE} testId="operate.input-settings" /></div>
      {error !== undefined && <p className="field-error" role="alert">{error}</p>}
      {trying && <InputTry name={name} kind={kind} settings={text} onClose={() => { setTrying(false) }} />}
    </Dialog>
  )
}
