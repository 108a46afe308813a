import { type KeyboardEvent, type ReactNode, useMemo, useState } from 'react'
import { joinPointer, writeJson } from '@/api/json'
import type { Twin } from '@/api/types'
import { useModels, useModelsQuery } from '@/state/graph'
import { modelOf } from '@/state/twins'
import { useGoing } from '@/state/url'
import { t } from '@/text/text'
import { Button } from '@/ui/button'
import { Empty } from '@/ui/states'
import { EditingContext } from '@/parts/editors/editing'
import { countRows, filtered, groupsOf, unknownMembers } from '@/parts/values/rows'
import { copy } from './Header'
import { Groups } from './Groups'
import { Section } from './Section'
import { RelationshipSummary } from './RelationshipSummary'
import type { Editor } from './useEditor'

const FILTER_FROM = 12

/** Ctrl Z and Ctrl S belong to the form while something in it has the focus. */
export function formKeys(editor: Editor) {
  return (event: KeyboardEvent): void => {
    const key = event.key.toLowerCase()
    if (!(event.ctrlKey || event.metaKey) || (key !== 'z' && key !== 's') || !editor.draft) return
    event.preventDefault()
    event.stopPropagation()
    if (key === 's') void editor.save()
    else if (event.shiftKey) editor.redo()
    else editor.undo()
  }
}

/** The values of a twin by where its model has them from (design 5.4). */
export function Properties({ twin, editor }: { twin: Twin; editor: Editor }): ReactNode {
  const models = useModels()
  const { isSuccess } = useModelsQuery()
  const { go } = useGoing()
  const [text, setText] = useState('')
  const model = modelOf(twin)
  const groups = useMemo(() => groupsOf(models, model), [models, model])
  const count = countRows(groups)
  const { shown } = editor
  if (isSuccess && !models.get(model)) {
    return (
      <div className="in-orphan">
        <Empty text={t('inspector.orphan', { model })} action={<Button onClick={() => { go({ screen: 'models', parameters: { edit: 'upload' } }) }}>{t('inspector.upload')}</Button>} testId="inspector.orphan" />
        <pre className="ed-json mono">{writeJson(twin, 2)}</pre>
      </div>
    )
  }
  const unknown = unknownMembers(models, model, shown)
  return (
    <div className="in-properties" onKeyDown={formKeys(editor)}>
      {count >= FILTER_FROM && <div className="in-filter"><input className="input" type="search" placeholder={t('inspector.filter', { n: count })} aria-label={t('inspector.filter', { n: count })} value={text} onChange={(event) => { setText(event.target.value) }} data-testid="inspector.filter" /></div>}
      <EditingContext value={editor.editing}><Groups groups={filtered(groups, text)} document={shown} /></EditingContext>
      {unknown.length > 0 && (
        <Section title={t('inspector.unknown')}>
          {unknown.map((name) => <Unknown key={name} name={name} editor={editor} />)}
        </Section>
      )}
      {text === '' && <RelationshipSummary id={twin.$dtId} />}
      {text === '' && <Metadata twin={twin} />}
    </div>
  )
}

/** A member that the model does not know: it is shown, and may be taken away. */
function Unknown({ name, editor }: { name: string; editor: Editor }): ReactNode {
  const path = joinPointer([name])
  const refusal = editor.editing.refusals.get(path)
  return (
    <div data-testid={`inspector.unknown.${name}`}>
      <div className="in-plain-row">
        <span className="in-plain-name cut">{name}</span>
        <span className="row"><span className="mono cut grow">{writeJson(editor.shown[name])}</span>{!editor.editing.readOnly && <Button look="quiet" onClick={() => { editor.edit([{ path }]) }}>{t('values.remove')}</Button>}</span>
      </div>
      {refusal !== undefined && <p className="field-error in-none" role="alert">{refusal}</p>}
    </div>
  )
}

function Metadata({ twin }: { twin: Twin }): ReactNode {
  const rows: readonly (readonly [string, string])[] = [['$dtId', twin.$dtId], ['$model', modelOf(twin)], ['$etag', twin.$etag], ['$lastUpdateTime', String(twin.$metadata['$lastUpdateTime'] ?? '')]]
  return (
    <Section title={t('inspector.metadata')} initial={false} testId="inspector.metadata">
      {rows.map(([name, value]) => (
        <div key={name} className="in-plain-row"><span className="in-plain-name mono">{name}</span><button type="button" className="in-plain-value mono cut" title={value} onClick={() => { copy(value) }}>{value}</button></div>
      ))}
    </Section>
  )
}
