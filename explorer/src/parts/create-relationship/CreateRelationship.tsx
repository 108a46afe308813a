import { type ReactNode, useMemo, useState } from 'react'
import { type ApiError, asApiError } from '@/api/errors'
import { writeJson } from '@/api/json'
import { useGraph, useModels } from '@/state/graph'
import { modelOf, useKnownTwin } from '@/state/twins'
import { t } from '@/text/text'
import { say } from '@/dtdl/model'
import { Button, IconButton } from '@/ui/button'
import { Field } from '@/ui/controls'
import { Select } from '@/ui/select'
import { Dialog } from '@/ui/dialog'
import { BothIcon, EditIcon } from '@/ui/icons'
import { Failed } from '@/ui/states'
import { allowed, relationshipsOf } from '../create-twin/fitting'
import { isId } from '../create-twin/ids'
import { EditingContext } from '../editors/editing'
import { ValueRow } from '../editors/ValueRow'
import { textIn } from '../form/kept'
import { FormNote } from '../form/FormNote'
import { useForm } from '../form/useForm'
import { TwinPicker } from '../pick/TwinPicker'
import { createRelationship } from '../relationships'
import { TwinName } from '../TwinName'
import { useTwins } from '../twins'
import { beginDraft, type Draft, edited, readDraftText, unreadable, withEdits, writeDraft } from '../values/draft'
import { rowsOf } from '../values/rows'
import { valueAt } from '../values/patch'

interface Written {
  readonly source: string | undefined
  readonly target: string | undefined
  readonly name: string | undefined
  /** The id, if it is not the one that was suggested. */
  readonly id: string | undefined
  readonly draft: Draft
}
interface Given { readonly source?: string | undefined; readonly target?: string | undefined; readonly name?: string | undefined; readonly onClose: () => void }

/** Relate two twins by a name that their models allow, with the relationship's own values (design 5.4). */
export default function CreateRelationship({ source: from, target: to, name: wanted, onClose }: Given): ReactNode {
  const { name: graph, twins } = useGraph()
  const models = useModels()
  const form = useForm<Written>({
    kind: 'create-relationship', name: writeJson({ source: from, target: to, name: wanted }),
    begin: () => ({ source: from, target: to, name: wanted, id: undefined, draft: beginDraft({}) }),
    read: (kept) => ({ source: textIn(kept, 'source'), target: textIn(kept, 'target'), name: textIn(kept, 'name'), id: textIn(kept, 'id'), draft: readDraftText(textIn(kept, 'draft') ?? '') ?? beginDraft({}) }),
    write: (value) => ({ ...value, draft: writeDraft(value.draft) }),
  })
  const { source, target, name: chosen, id: written, draft } = form.value
  const { change } = form
  const [error, setError] = useState<ApiError>()
  const [busy, setBusy] = useState(false)
  useTwins(useMemo(() => [source, target].filter((each) => each !== undefined), [source, target]))
  const one = useKnownTwin(twins, source)
  const other = useKnownTwin(twins, target)
  const names = useMemo(() => {
    if (!one) return []
    return other ? allowed(models, modelOf(one.twin), modelOf(other.twin)) : relationshipsOf(models, modelOf(one.twin))
  }, [models, one, other])
  const content = names.find((each) => each.name === chosen) ?? (target === undefined && wanted === undefined ? undefined : names[0])
  const id = written ?? (source !== undefined && target !== undefined && content ? `${source}-${content.name}-${target}`.slice(-128) : '')
  const fitting = useMemo(() => {
    const targets = (content ? [content] : names).map((each) => each.target)
    return targets.length === 0 || targets.includes(undefined) ? [] : [...new Set(targets.filter((each) => each !== undefined))]
  }, [content, names])
  const rows = useMemo(() => rowsOf(content?.properties ?? [], []), [content])
  const values = withEdits({}, draft)
  const refusals = new Map((error?.details ?? []).flatMap((each) => (each.path === undefined ? [] : [[each.path, each.message] as const])))
  const ready = source !== undefined && target !== undefined && content !== undefined && isId(id) && unreadable(draft).size === 0 && !busy

  const create = async (): Promise<void> => {
    if (!ready) return
    setBusy(true)
    setError(undefined)
    try {
      await createRelationship(graph, { ...values, $relationshipId: id, $sourceId: source, $targetId: target, $relationshipName: content.name })
      form.forget()
      onClose()
    } catch (thrown) {
      setError(asApiError(thrown))
    } finally {
      setBusy(false)
    }
  }
  return (
    <Dialog open title={t('inspector.relate-title')} onClose={() => { form.putAside(); onClose() }} testId="create-relationship" foot={(
      <>
        <Button onClick={() => { form.forget(); onClose() }} data-testid="create-relationship.cancel">{t('ui.cancel')}</Button>
        <Button look="main" disabled={!ready} onClick={() => { void create() }} data-testid="create-relationship.create">{t('inspector.create')}</Button>
      </>
    )}>
      <div className="write-form">
        <FormNote form={form} />
        <div className={source !== undefined && target !== undefined ? 'write-pair both' : 'write-pair'}>
          <End label={t('inspector.choose-source')} id={source} onChange={(next) => { change({ source: next }) }} testId="create-relationship.source" />
          <IconButton icon={BothIcon} label={t('inspector.swap')} disabled={source === undefined || target === undefined} onClick={() => { change({ source: target, target: source, id: undefined }) }} data-testid="create-relationship.swap" />
          <End label={t('inspector.choose-target')} id={target} onChange={(next) => { change({ target: next }) }} models={fitting} testId="create-relationship.target" waits={source === undefined} />
        </div>
        {source !== undefined && (
          <div className="field">
            <span className="field-label">{t('inspector.relationship-name')}</span>
            {names.length === 0 ? one && <span className="field-error">{t('inspector.no-allowed')}</span> : (
              <Select label={t('inspector.relationship-name')} value={content?.name} placeholder={t('values.choose')} onChange={(next) => { change({ name: next, id: undefined, draft: beginDraft({}) }) }} testId="create-relationship.name"
                choices={names.map((each) => ({ value: each.name, text: each.name, ...(each.target !== undefined && { hint: models.name(each.target) }) }))} />
            )}
            {content && <span className="hint">{say(content.description, '')}</span>}
          </div>
        )}
        {source !== undefined && target !== undefined && content && <Field label={t('inspector.id')} error={isId(id) ? undefined : t('inspector.id-wrong')}><input className="input mono" value={id} onChange={(event) => { change({ id: event.target.value }) }} autoComplete="off" spellCheck={false} data-testid="create-relationship.id" /></Field>}
        {rows.length > 0 && (
          <div className="write-values">
            <EditingContext value={{ readOnly: false, texts: unreadable(draft), refusals, canUnset: true, testId: 'create-relationship', isEdited: () => false, onEdit: (edits) => { change((before) => ({ draft: edited(before.draft, edits, Date.now()) })) } }}>
              {rows.map((row) => <ValueRow key={row.name} {...row} value={valueAt(values, row.path)} />)}
            </EditingContext>
          </div>
        )}
        {error && <Failed compact error={error} />}
      </div>
    </Dialog>
  )
}

function End({ label, id, onChange, models, testId, waits = false }: { label: string; id: string | undefined; onChange: (id: string | undefined) => void; models?: readonly string[]; testId: string; waits?: boolean }): ReactNode {
  return (
    <div className="field">
      <span className="field-label">{label}</span>
      {id === undefined ? waits ? <div className="write-chosen" /> : <TwinPicker label={label} onChoose={onChange} testId={testId} {...(models && { models })} /> : (
        <div className="write-chosen"><TwinName id={id} /><span className="grow" /><IconButton icon={EditIcon} label={t('inspector.choose-other')} onClick={() => { onChange(undefined) }} /></div>
      )}
    </div>
  )
}
