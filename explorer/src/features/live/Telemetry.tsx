import { type ReactNode, useState } from 'react'
import { asApiError } from '@/api/errors'
import { path, send } from '@/api/http'
import { parseJson } from '@/api/json'
import { FormNote } from '@/parts/form/FormNote'
import { textIn } from '@/parts/form/kept'
import { useForm } from '@/parts/form/useForm'
import { newUuid } from '@/parts/values/show'
import { useGraph } from '@/state/graph'
import { t } from '@/text/text'
import { Button } from '@/ui/button'
import { Field } from '@/ui/controls'
import { Dialog } from '@/ui/dialog'
import { TelemetryIcon } from '@/ui/icons'
import { toast } from '@/ui/toasts'

/** Send telemetry of a twin or of one of its components. */
export function Telemetry({ twin, onClose }: { twin: string; onClose: () => void }): ReactNode {
  const { name } = useGraph()
  const form = useForm({
    kind: 'telemetry', name: twin,
    begin: () => ({ id: twin, component: '', text: '{\n  "temperature": 21\n}' }),
    read: (kept) => ({ id: textIn(kept, 'id') ?? '', component: textIn(kept, 'component') ?? '', text: textIn(kept, 'text') ?? '' }),
  })
  const { id, component, text } = form.value
  const [error, setError] = useState<string>()
  const run = async (): Promise<void> => {
    setError(undefined)
    try {
      const body = parseJson(text)
      const to = component === '' ? path('/digitaltwins/{id}/telemetry', { id }) : path('/digitaltwins/{id}/components/{component}/telemetry', { id, component })
      await send(name, { method: 'POST', path: to, body, headers: { 'message-id': newUuid() } })
      toast({ text: t('live.sent', { id }) })
      form.forget()
      onClose()
    } catch (thrown) {
      setError(asApiError(thrown).message)
    }
  }
  return (
    <Dialog open title={t('live.send')} description={t('live.send-text')} onClose={() => { form.putAside(); onClose() }} testId="live.telemetry-dialog" foot={<><Button onClick={() => { form.forget(); onClose() }}>{t('ui.cancel')}</Button><Button look="main" icon={TelemetryIcon} disabled={id === ''} onClick={() => { void run() }} data-testid="live.telemetry-send">{t('live.send-now')}</Button></>}>
      <FormNote form={form} />
      <Field label={t('live.twin')}><input className="input mono" value={id} onChange={(event) => { form.change({ id: event.target.value }) }} data-testid="live.telemetry-twin" /></Field>
      <Field label={t('live.component')} hint={t('live.component-hint')}><input className="input mono" value={component} onChange={(event) => { form.change({ component: event.target.value }) }} /></Field>
      <Field label={t('live.body')} error={error}><textarea className="input mono" rows={6} spellCheck={false} value={text} onChange={(event) => { form.change({ text: event.target.value }) }} data-testid="live.telemetry-body" /></Field>
    </Dialog>
  )
}
