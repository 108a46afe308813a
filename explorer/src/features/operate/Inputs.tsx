import { type ReactNode, useState } from 'react'
import { useWaitingForm } from '@/parts/form/useForm'
import { useMay } from '@/state/graph'
import { formatNumber, t } from '@/text/text'
import { Button, IconButton } from '@/ui/button'
import { Confirm } from '@/ui/dialog'
import { AddIcon, DeleteIcon, EditIcon, PauseIcon, PlayIcon } from '@/ui/icons'
import { type Input, inputPath, type InputState, useAct, useList, useOne } from './data'
import { InputEditor } from './InputEditor'
import { InputTry, NO_SAMPLE } from './InputTry'
import { Part, when } from './Part'
import { rulesOf, type Sample } from './rules'

interface Rejected { readonly time: string; readonly reason: string; readonly topic: string; readonly payload: string }

const COUNTS = ['written', 'merged', 'deadband', 'stale', 'rejected'] as const

/** Where sensors' messages come from, what became of them, and what was rejected. */
export function Inputs(): ReactNode {
  const may = useMay()
  const act = useAct()
  const inputs = useList<Input>('/kastor/v1/inputs', { every: 10_000 })
  // The empty name makes a new one.
  const waiting = useWaitingForm('input')
  const [editing, setEditing] = useState(waiting)
  const edited = inputs.data?.find((each) => each.name === editing)
  const [deleting, setDeleting] = useState<string>()
  return (
    <>
      <Part title={t('operate.inputs')} query={inputs} empty={t('operate.no-inputs')} actions={may('kastor/inputs/write') && <Button look="main" icon={AddIcon} onClick={() => { setEditing('') }} data-testid="operate.inputs.add">{t('operate.add-input')}</Button>}>
        {(rows) => <div className="operate-cards wide">{rows.map((each) => <InputCard key={each.name} input={each} onEdit={() => { setEditing(each.name) }} onDelete={() => { setDeleting(each.name) }} />)}</div>}
      </Part>
      {may('kastor/inputs/write') && editing !== undefined && (editing === '' || edited) && <InputEditor input={edited} onClose={() => { setEditing(undefined) }} />}
      {deleting !== undefined && <Confirm open title={t('operate.delete-input', { name: deleting })} text={t('operate.delete-input-text')} act={t('operate.delete')} onClose={() => { setDeleting(undefined) }}
        onConfirm={() => { setDeleting(undefined); void act({ method: 'DELETE', path: inputPath(deleting) }, t('operate.deleted', { id: deleting })) }} />}
    </>
  )
}

function InputCard({ input, onEdit, onDelete }: { input: Input; onEdit: () => void; onDelete: () => void }): ReactNode {
  const may = useMay()
  const act = useAct()
  const { data: state } = useOne<InputState>(inputPath(input.name, 'status'), { every: 3000 })
  const rejected = useOne<{ readonly value: readonly Rejected[] }>(inputPath(input.name, 'rejected'), { every: 5000, enabled: (state?.rejected ?? 0) > 0 })
  const [trying, setTrying] = useState<Sample>()
  const mayTry = may('digitaltwins/read')
  const rules = rulesOf(input.settings)
  const all = Math.max(1, COUNTS.reduce((sum, each) => sum + (state?.[each] ?? 0), 0))
  return (
    <article className="card operate-card" data-testid={`operate.input.${input.name}`}>
      <div className="row"><h3 className="mono">{input.name}</h3><span className="tag">{input.kind}</span>{state && <span className={`tag ${state.lastError === null ? 'ok' : 'danger'}`}>{state.state}</span>}<span className="grow" />
        {mayTry && <Button onClick={() => { setTrying(NO_SAMPLE) }} data-testid={`operate.input.${input.name}.try`}>{t('operate.try')}</Button>}
        {may('kastor/inputs/run') && <IconButton icon={input.paused ? PlayIcon : PauseIcon} label={t(input.paused ? 'operate.resume' : 'operate.pause')} onClick={() => { void act({ method: 'POST', path: inputPath(input.name, input.paused ? 'resume' : 'pause') }) }} />}
        {may('kastor/inputs/write') && <IconButton icon={EditIcon} label={t('operate.edit')} onClick={onEdit} />}
        {may('kastor/inputs/delete') && <IconButton icon={DeleteIcon} label={t('operate.delete')} onClick={onDelete} />}</div>
      {state && (
        <>
          <div className="operate-bar" role="img" aria-label={COUNTS.map((each) => `${t(`operate.count-${each}`)} ${formatNumber(state[each])}`).join(', ')}>{COUNTS.map((each) => <span key={each} className={each} style={{ width: `${(state[each] / all) * 100}%` }} />)}</div>
          <p className="row secondary num operate-counts">{COUNTS.map((each) => <span key={each}><i className={each} />{t(`operate.count-${each}`)} {formatNumber(state[each])}</span>)}<span className="grow" />{t('operate.last', { time: when(state.lastMessage) })}</p>
          {state.lastError !== null && <p className="operate-error">{state.lastError}</p>}
        </>
      )}
      <details><summary className="secondary">{t('operate.rules', { n: rules.length })}</summary>
        <ul className="operate-rules">{rules.map((each, index) => <li key={index}><p className="row"><code>{each.name}</code>{each.match !== '' && <code className="secondary cut">{each.match}</code>}<span aria-hidden>→</span><code className="cut">{each.twin}</code></p>{each.sets.map((line) => <p key={line} className="mono operate-value">{line}</p>)}</li>)}</ul></details>
      {(rejected.data?.value.length ?? 0) > 0 && <details><summary className="secondary">{t('operate.rejected', { n: rejected.data?.value.length ?? 0 })}</summary>
        <ul className="operate-rejected scroll">{rejected.data?.value.map((each, index) => <li key={index}><p className="row"><span className="num hint">{when(each.time)}</span><code className="cut">{each.topic}</code><span className="operate-error grow">{each.reason}</span>{mayTry && <Button look="quiet" onClick={() => { setTrying({ topic: each.topic, headers: '', payload: each.payload }) }} data-testid="operate.rejected.try">{t('operate.try-this')}</Button>}</p><pre>{each.payload}</pre></li>)}</ul></details>}
      {trying && <InputTry name={input.name} kind={input.kind} sample={trying} onClose={() => { setTrying(undefined) }} />}
    </article>
  )
}
