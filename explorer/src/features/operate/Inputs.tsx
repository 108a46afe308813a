import { type ReactNode, useState } from 'react'
import { asApiError } from '@/api/errors'
import { path } from '@/api/http'
import { parseJson, writeJson } from '@/api/json'
import { Editor } from '@/parts/editor/Editor'
import { JSON_LANGUAGE } from '@/parts/editor/languages'
import { useMay } from '@/state/graph'
import { formatNumber, t } from '@/text/text'
import { Button, IconButton } from '@/ui/button'
import { Field } from '@/ui/controls'
import { Select } from '@/ui/select'
import { Confirm, Dialog } from '@/ui/dialog'
import { AddIcon, DeleteIcon, EditIcon, PauseIcon, PlayIcon } from '@/ui/icons'
import { type Input, type InputState, useAct, useList, useOne } from './data'
import { Part, when } from './Part'

interface Rejected { readonly time: string; readonly reason: string; readonly topic: string; readonly payload: string }

const COUNTS = ['written', 'merged', 'deadband', 'stale', 'rejected'] as const
const EXAMPLE = { host: 'broker.example.org', rules: [{ name: 'temperature', match: 'building/{room}/temperature', twin: 'room-{room}', patch: { '/temperature': '/value' } }] }
const KINDS = [{ value: 'mqtt', text: 'mqtt' }, { value: 'webhook', text: 'webhook' }]

function inputPath(name: string, act?: string): string { return path('/kastor/v1/inputs/{name}', { name }) + (act === undefined ? '' : `/${act}`) }

/** Where sensors' messages come from, what became of them, and what was rejected. */
export function Inputs(): ReactNode {
  const may = useMay()
  const act = useAct()
  const inputs = useList<Input>('/kastor/v1/inputs', { every: 10_000 })
  const [editing, setEditing] = useState<Input | 'new'>()
  const [deleting, setDeleting] = useState<string>()
  return (
    <>
      <Part title={t('operate.inputs')} query={inputs} empty={t('operate.no-inputs')} actions={may('kastor/inputs/write') && <Button look="main" icon={AddIcon} onClick={() => { setEditing('new') }}>{t('operate.add-input')}</Button>}>
        {(rows) => <div className="operate-cards wide">{rows.map((each) => <InputCard key={each.name} input={each} onEdit={() => { setEditing(each) }} onDelete={() => { setDeleting(each.name) }} />)}</div>}
      </Part>
      {editing !== undefined && <InputEditor input={editing === 'new' ? undefined : editing} onClose={() => { setEditing(undefined) }} />}
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
  const all = Math.max(1, COUNTS.reduce((sum, each) => sum + (state?.[each] ?? 0), 0))
  return (
    <article className="card operate-card" data-testid={`operate.input.${input.name}`}>
      <div className="row"><h3 className="mono">{input.name}</h3><span className="tag">{input.kind}</span>{state && <span className={`tag ${state.lastError === null ? 'ok' : 'danger'}`}>{state.state}</span>}<span className="grow" />
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
      {(rejected.data?.value.length ?? 0) > 0 && <details><summary className="secondary">{t('operate.rejected', { n: rejected.data?.value.length ?? 0 })}</summary>
        <ul className="operate-rejected scroll">{rejected.data?.value.map((each, index) => <li key={index}><code>{each.topic}</code> <span className="operate-error">{each.reason}</span><pre>{each.payload}</pre></li>)}</ul></details>}
    </article>
  )
}

function InputEditor({ input, onClose }: { input: Input | undefined; onClose: () => void }): ReactNode {
  const act = useAct()
  const [name, setName] = useState(input?.name ?? '')
  const [kind, setKind] = useState(input?.kind ?? 'mqtt')
  const [text, setText] = useState(() => writeJson(input?.settings ?? EXAMPLE, 2))
  const [error, setError] = useState<string>()
  const save = async (dryRun: boolean): Promise<void> => {
    setError(undefined)
    try {
      const settings = parseJson(text)
      const done = await act({ method: 'PUT', path: inputPath(name), body: { kind, settings }, headers: dryRun ? { 'kastor-dry-run': 'true' } : {} }, t(dryRun ? 'operate.would-save' : 'operate.saved', { id: name }))
      if (done && !dryRun) onClose()
    } catch (thrown) {
      setError(asApiError(thrown).message)
    }
  }
  return (
    <Dialog open wide title={input ? t('operate.edit-input', { name }) : t('operate.add-input')} onClose={onClose} testId="operate.input-editor" foot={(
      <><Button onClick={onClose}>{t('ui.cancel')}</Button><Button disabled={name === ''} onClick={() => { void save(true) }}>{t('operate.check')}</Button><Button look="main" disabled={name === ''} onClick={() => { void save(false) }}>{t('operate.save')}</Button></>
    )}>
      <div className="operate-form">
        <Field label={t('operate.name')}><input className="input mono" value={name} readOnly={input !== undefined} onChange={(event) => { setName(event.target.value) }} /></Field>
        <Field label={t('operate.kind')}><Select label={t('operate.kind')} value={kind} choices={KINDS} onChange={setKind} /></Field>
      </div>
      <p className="field-label">{t('operate.settings')}</p>
      <div className="operate-filter tall"><Editor label={t('operate.settings')} value={text} onChange={setText} language={JSON_LANGUAGE} /></div>
      {error !== undefined && <p className="field-error" role="alert">{error}</p>}
    </Dialog>
  )
}
