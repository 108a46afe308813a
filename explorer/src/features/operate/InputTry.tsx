import { type ReactNode, useState } from 'react'
import { asApiError } from '@/api/errors'
import { path, send } from '@/api/http'
import { writeJson } from '@/api/json'
import { Editor } from '@/parts/editor/Editor'
import { JSON_LANGUAGE } from '@/parts/editor/languages'
import { t } from '@/text/text'
import { Button } from '@/ui/button'
import { Field } from '@/ui/controls'
import { Dialog } from '@/ui/dialog'
import { useAsking } from './data'
import { type InputTrial, nameOf, type RuleTrial, type Sample, trialOf } from './rules'

const TONES: Readonly<Record<string, string>> = { written: 'ok', merged: 'ok', rejected: 'danger' }
export const NO_SAMPLE: Sample = { topic: '', headers: '', payload: '{}' }

interface InputTryProps {
  readonly name: string
  readonly kind: string
  /** Rules that are not saved yet; undefined tries those of the input. */
  readonly settings?: string
  readonly sample?: Sample
  readonly onClose: () => void
}

/** What the rules of an input would make of a message; nothing is written (design 5.8). */
export function InputTry({ name, kind, settings, sample = NO_SAMPLE, onClose }: InputTryProps): ReactNode {
  const { busy, answer, error, ask, forget } = useAsking<InputTrial>()
  const [wrong, setWrong] = useState<string>()
  const [typed, setTyped] = useState(sample)
  const change = (part: Partial<Sample>): void => { setTyped((before) => ({ ...before, ...part })) }
  const run = (): void => {
    try {
      setWrong(undefined)
      const body = trialOf(kind, typed, settings)
      ask((graph, signal) => send<InputTrial>(graph, { method: 'POST', path: path('/kastor/v1/inputs/{name}/try', { name }), body, signal }))
    } catch (thrown) {
      forget()
      setWrong(asApiError(thrown).message)
    }
  }
  const why = wrong ?? error?.message
  return (
    <Dialog open wide title={t('operate.try-of', { name })} description={t('operate.try-text')} onClose={onClose} testId="operate.try" foot={<><Button onClick={onClose}>{t('ui.close')}</Button><Button look="main" disabled={busy} onClick={run} data-testid="operate.try.run">{t('operate.try-act')}</Button></>}>
      <div className="operate-form">
        {kind === 'mqtt' && <Field label={t('operate.try-topic')}><input className="input mono" value={typed.topic} onChange={(event) => { change({ topic: event.target.value }) }} data-testid="operate.try.topic" /></Field>}
        <Field label={t('operate.try-headers')} hint={kind === 'mqtt' ? undefined : 'Name: value'}><textarea className="input mono" rows={1} value={typed.headers} onChange={(event) => { change({ headers: event.target.value }) }} /></Field>
      </div>
      <p className="field-label">{t('operate.try-payload')}</p>
      <div className="operate-filter"><Editor label={t('operate.try-payload')} value={typed.payload} onChange={(payload) => { change({ payload }) }} language={JSON_LANGUAGE} testId="operate.try.payload" /></div>
      {why !== undefined && <p className="field-error" role="alert">{why}</p>}
      {answer && <Outcome trial={answer} />}
    </Dialog>
  )
}

function Outcome({ trial }: { trial: InputTrial }): ReactNode {
  return (
    <section className="operate-trial" role="status" data-testid="operate.try.outcome" data-outcome={trial.outcome}>
      <p className="row"><span className={`tag ${TONES[trial.outcome] ?? 'warn'}`}>{trial.outcome}</span><span className={trial.reason === null ? 'secondary' : 'operate-error'}>{trial.reason ?? ''}</span></p>
      {trial.rules.length > 0 && <ul className="operate-rules">{trial.rules.map((each) => <Rule key={each.rule} trial={each} />)}</ul>}
      {trial.patches.map(({ twin, patch }) => (
        <div key={twin}><h3>{t('operate.try-patch', { twin })}</h3><pre className="operate-json scroll" tabIndex={0} data-testid="operate.try.patch">{writeJson(patch, 2)}</pre></div>
      ))}
    </section>
  )
}

function Rule({ trial }: { trial: RuleTrial }): ReactNode {
  const { matches, outcome, reason, twin, values = {}, sourceTime, telemetry } = trial
  const rule = nameOf(trial)
  if (!matches) return <li className="row secondary"><code>{rule}</code><span>{t('operate.try-skips')}</span></li>
  return (
    <li>
      <p className="row"><code>{rule}</code>{outcome !== undefined && <span className={`tag ${TONES[outcome] ?? 'warn'}`}>{outcome}</span>}{twin !== undefined && <code className="cut">{twin}</code>}{sourceTime ? <span className="hint num">{sourceTime}</span> : null}</p>
      {Object.entries(values).map(([at, value]) => <p key={at} className="mono operate-value">{at} ← {writeJson(value)}</p>)}
      {telemetry !== undefined && telemetry !== null && <p className="mono operate-value">{t('operate.try-telemetry')} ← {writeJson(telemetry)}</p>}
      {reason !== undefined && <p className="operate-error">{reason}</p>}
    </li>
  )
}
