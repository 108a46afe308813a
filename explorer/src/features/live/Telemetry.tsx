import { type ReactNode, useState } from 'react'
import { asApiError } from '@/api/errors'
import { path, send } from '@/api/http'
import { parseJson } from '@/api/json'
import { newUuid } from '@/parts/values/show'
import { useGraph } from '@/state/graph'
import { t } from '@/text/text'
import { Button } from '@/ui/button'
import { Field } from '@/ui/controls'
import { Dialog } from '@/ui/dialog'
import { TelemetryIcon } from '@/ui/icons'
import { toast } from '@/ui/toasts'

/** Send telemetry of a twin or of one of its components. */
export function Telemetry({ twin, onClose }: { twin: string | undefined; onClose: () => void }): ReactNode {
  const { name } = useGraph()
  const [id, setId] = useState(twin ?? '')
  const [component, setComponent] = useState('')
  const [text, setText] = useState('{\n  "temperature": 21\n}')
  const [error, setError] = useState<string>()
  const run = async (): Promise<void> => {
    setError(undefined)
    try {
      const body = parseJson(text)
      const to = component === '' ? path('/digitaltwins/{id}/telemetry', { id }) : path('/digitaltwins/{id}/components/{component}/telemetry', { id, component })
      await send(name, { method: 'POST', path: to, body, headers: { 'message-id': newUuid() } })
      toast({ text: t('live.sent', { id }) })
      onClose()
    } catch (thrown) {
      setError(asApiError(thrown).message)
    }
  }
  return (
    <Dialog open title={t('live.send')} description={t('live.send-text')} onClose={onClose} testId="live.telemetry-dialog" foot={<><Button onClick={onClose}>{t('ui.cancel')}</Button><Button look="main" icon={TelemetryIcon} disabled={id === ''} onClick={() => { void run() }} data-testid="live.telemetry-send">{t('live.send-now')}</Button></>}>
      <Field label={t('live.twin')}><input className="input mono" value={id} onChange={(event) => { setId(event.target.value) }} data-testid="live.telemetry-twin" /></Field>
      <Field label={t('live.component')} hint={t('live.component-hint')}><input className="input mono" value={component} onChange={(event) => { setComponent(event.target.value) }} /></Field>
      <Field label={t('live.body')} error={error}><textarea className="input mono" rows={6} spellCheck={false} value={text} onChange={(event) => { setText(event.target.value) }} data-testid="live.telemetry-body" /></Field>
    </Dialog>
  )
}
