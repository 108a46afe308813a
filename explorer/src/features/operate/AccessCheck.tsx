import { type FormEvent, type ReactNode, useState } from 'react'
import { send } from '@/api/http'
import { useGraph } from '@/state/graph'
import { t } from '@/text/text'
import { Button } from '@/ui/button'
import { Field } from '@/ui/controls'
import { ErrorIcon, OkIcon } from '@/ui/icons'
import { Select } from '@/ui/select'
import type { Access, Judged } from './access'
import { useAsking } from './data'

/** Whether somebody may do something, by which rule, or what would allow it. */
export function AccessCheck({ access }: { access: Access }): ReactNode {
  const { name } = useGraph()
  const { busy, answer, error, ask } = useAsking<Judged>()
  const [who, setWho] = useState('')
  const [permission, setPermission] = useState('digitaltwins/read')
  const [graph, setGraph] = useState(name)
  const judge = (event: FormEvent): void => {
    event.preventDefault()
    const asked = { who: who.trim(), permission, graph }
    ask((here, signal) => send<Judged>(here, { method: 'POST', path: '/kastor/v1/access/check', body: asked, signal }))
  }
  return (
    <form className="card operate-card" onSubmit={judge} data-testid="operate.access.check">
      <h3>{t('operate.access-check')}</h3>
      <div className="operate-form">
        <Field label={t('operate.access-who')} hint={t('operate.access-who-hint')}><input className="input mono" list="access-who" value={who} onChange={(event) => { setWho(event.target.value) }} data-testid="operate.access.who" /></Field>
        <Field label={t('operate.access-permission')}><Select label={t('operate.access-permission')} value={permission} choices={access.permissions.map((each) => ({ value: each.permission, text: each.permission }))} onChange={setPermission} testId="operate.access.permission" /></Field>
        <Field label={t('operate.access-graph')}><input className="input mono" value={graph} onChange={(event) => { setGraph(event.target.value) }} /></Field>
      </div>
      <datalist id="access-who">{access.tokens.map((each) => <option key={each.name} value={`token:${each.name}`} />)}</datalist>
      <div className="row">
        <Button look="main" type="submit" disabled={busy || who.trim() === ''} data-testid="operate.access.judge">{t('operate.access-check-act')}</Button>
        <p role="status" className="grow" data-testid="operate.access.judged" data-allowed={answer?.allowed}>
          {answer && <span className={`row ${answer.allowed ? 'operate-good' : 'operate-error'}`}>{answer.allowed ? <OkIcon size={14} aria-hidden /> : <ErrorIcon size={14} aria-hidden />}<span>{answer.message}</span></span>}
          {error && <span className="operate-error">{error.message}</span>}
        </p>
      </div>
    </form>
  )
}
