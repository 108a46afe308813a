import { useQuery } from '@tanstack/react-query'
import { type ReactNode, useMemo, useState } from 'react'
import { type ApiError, asApiError } from '@/api/errors'
import { joinPointer } from '@/api/json'
import type { Relationship, Twin } from '@/api/types'
import { say, shortName } from '@/dtdl/model'
import { useGraph, useModels } from '@/state/graph'
import { lookOf } from '@/state/looks'
import { isTwin, modelOf } from '@/state/twins'
import { t } from '@/text/text'
import { Button } from '@/ui/button'
import { Dialog } from '@/ui/dialog'
import { MarkIcon } from '@/ui/mark'
import { Failed } from '@/ui/states'
import { changeDraft, changeTo } from './changing'
import { tryPatch } from './deleting'
import { Picker } from './pick/Picker'
import { redoSaved, undoSaved } from './saving'
import { patchSubject, readSubject } from './subject'
import { useTwin } from './twins'
import { wrote } from './undoable'
import { draftPatch, touched, withEdits } from './values/draft'
import { patchOf } from './values/patch'

/** Give a twin another model: what stays, what is lost, what is missing, in one patch (design 5.4). */
export default function ChangeModel({ id, onClose }: { id: string; onClose: () => void }): ReactNode {
  const { twin } = useTwin(id)
  const models = useModels()
  const [model, setModel] = useState<string>()
  const rows = useMemo(() => models.all.filter((each) => !each.decommissioned && each.id !== (twin && modelOf(twin))).map((each) => ({ id: each.id, text: say(each.displayName, shortName(each.id)), hint: each.id, icon: <MarkIcon look={lookOf(models, each.id)} /> })), [models, twin])
  if (!twin) return null
  return model === undefined ? (
    <Dialog open title={t('inspector.model-title')} onClose={onClose} testId="change-model">
      <div className="write-form"><Picker label={t('inspector.change-to')} rows={rows} onChoose={setModel} testId="change-model.model" /></div>
    </Dialog>
  ) : <ChangeTo twin={twin} model={model} onBack={() => { setModel(undefined) }} onClose={onClose} />
}

function ChangeTo({ twin, model, onBack, onClose }: { twin: Twin; model: string; onBack: () => void; onClose: () => void }): ReactNode {
  const { name, twins } = useGraph()
  const models = useModels()
  const [error, setError] = useState<ApiError>()
  const change = useMemo(() => changeTo(models, twin, model), [models, twin, model])
  const patch = useMemo(() => draftPatch(changeDraft(twin, change)), [twin, change])
  const tried = useQuery({ queryKey: [name, 'try-model', twin.$dtId, model, twin.$etag], gcTime: 0, queryFn: async () => (await tryPatch(name, twin.$dtId, patch)) ?? null })
  const subject = { kind: 'twin', id: twin.$dtId } as const
  const apply = async (): Promise<void> => {
    try {
      const before = await readSubject(name, subject)
      const draft = changeDraft(before, changeTo(models, before, model))
      await patchSubject(name, subject, draftPatch(draft), before.$etag)
      twins.putNow([await readSubject(name, subject)])
      const took = (fresh: Twin | Relationship): void => { if (isTwin(fresh)) twins.putNow([fresh]) }
      const undo = patchOf(withEdits(before, draft), before, touched(draft))
      wrote(t('inspector.model-changed', { name: twin.$dtId }),
        async () => { took(await undoSaved(name, subject, draft, undo)) },
        async () => { took(await redoSaved(name, subject, draft)) })
      onClose()
    } catch (thrown) {
      setError(asApiError(thrown))
    }
  }
  const list = (title: string, names: readonly string[]): ReactNode => <div><h3>{title} {names.length}</h3><ul>{names.map((each) => <li key={each} title={joinPointer([each])}>{each}</li>)}</ul></div>
  return (
    <Dialog open wide title={`${models.name(modelOf(twin))} → ${models.name(model)}`} onClose={onClose} testId="change-model" foot={(
      <>
        <Button onClick={onBack}>{t('inspector.choose-other')}</Button>
        <Button look={change.lost.length > 0 ? 'danger' : 'main'} disabled={tried.isPending || tried.data !== null} onClick={() => { void apply() }} data-testid="change-model.apply">{t('inspector.model-title')}</Button>
      </>
    )}>
      <div className="write-columns">{list(t('inspector.stays'), change.stays)}{list(t('inspector.lost'), change.lost)}{list(t('inspector.missing'), change.missing)}</div>
      {tried.data && <><p className="secondary">{t('inspector.dry-refused')}</p><Failed compact error={tried.data} /></>}
      {error && <Failed compact error={error} />}
    </Dialog>
  )
}
