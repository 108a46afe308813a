import { useQuery } from '@tanstack/react-query'
import { type ReactNode, useMemo, useState } from 'react'
import { type ApiError, asApiError } from '@/api/errors'
import { joinPointer } from '@/api/json'
import type { Twin } from '@/api/types'
import { say, shortName } from '@/dtdl/model'
import type { Models } from '@/dtdl/models'
import { useGraph, useModels } from '@/state/graph'
import { lookOf } from '@/state/looks'
import { modelOf } from '@/state/twins'
import { t } from '@/text/text'
import { Button } from '@/ui/button'
import { Dialog } from '@/ui/dialog'
import { MarkIcon } from '@/ui/mark'
import { Failed } from '@/ui/states'
import { components } from './create-twin/fitting'
import { tryPatch } from './deleting'
import { Picker } from './pick/Picker'
import { patchSubject, readSubject } from './subject'
import { useTwin } from './twins'
import { wrote } from './undoable'
import { patchOf } from './values/patch'

interface Change { readonly stays: readonly string[]; readonly lost: readonly string[]; readonly missing: readonly string[]; readonly after: Twin }

/** What becomes of a twin with another model: values of the same name and schema stay. */
function changeTo(models: Models, twin: Twin, model: string): Change {
  const old = modelOf(twin)
  const has = Object.keys(twin).filter((name) => !name.startsWith('$'))
  const fits = (name: string): boolean => {
    const [one, other] = [models.content(old, name), models.content(model, name)]
    if (!other || (other.kind !== 'property' && other.kind !== 'component')) return false
    return !one || (one.kind === other.kind && JSON.stringify(one.schema ?? one.model) === JSON.stringify(other.schema ?? other.model))
  }
  const stays = has.filter(fits)
  const needed = components(models, model)
  const missing = (models.get(model)?.contents ?? []).filter((each) => (each.kind === 'property' || each.kind === 'component') && !stays.includes(each.name)).map((each) => each.name)
  const kept = Object.fromEntries(stays.flatMap((name) => { const value = twin[name]; return value === undefined ? [] : [[name, value]] }))
  const made = Object.fromEntries(Object.entries(needed).filter(([name]) => !stays.includes(name)))
  return { stays, lost: has.filter((name) => !stays.includes(name)), missing, after: { ...kept, ...made, $dtId: twin.$dtId, $etag: twin.$etag, $metadata: { ...twin.$metadata, $model: model } } }
}

function patchFor(twin: Twin, { after }: Change): ReturnType<typeof patchOf> {
  const names = [...new Set([...Object.keys(twin), ...Object.keys(after)])].filter((name) => !name.startsWith('$'))
  return patchOf(twin, after, [['$metadata', '$model'], ...names.map((name) => [name])])
}

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
  const patch = useMemo(() => patchFor(twin, change), [twin, change])
  const tried = useQuery({ queryKey: [name, 'try-model', twin.$dtId, model, twin.$etag], gcTime: 0, queryFn: async () => (await tryPatch(name, twin.$dtId, patch)) ?? null })
  const subject = { kind: 'twin', id: twin.$dtId } as const
  const apply = async (): Promise<void> => {
    try {
      const before = await readSubject(name, subject)
      await patchSubject(name, subject, patchFor(before, changeTo(models, before, model)), before.$etag)
      twins.put([await readSubject(name, subject)])
      wrote(t('inspector.model-changed', { name: twin.$dtId }), async () => {
        const now = await readSubject(name, subject)
        const names = [...new Set([...Object.keys(before), ...Object.keys(now)])].filter((each) => !each.startsWith('$'))
        await patchSubject(name, subject, patchOf(now, before, [['$metadata', '$model'], ...names.map((each) => [each])]), now.$etag)
        twins.put([await readSubject(name, subject)])
      }, async () => { await patchSubject(name, subject, patchFor(before, changeTo(models, before, model)), undefined) })
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
