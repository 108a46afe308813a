import { type ReactNode, useMemo, useState } from 'react'
import { joinPointer, type JsonObject, sameJson } from '@/api/json'
import type { Twin } from '@/api/types'
import { useGraph, useMay, useModels } from '@/state/graph'
import { modelOf } from '@/state/twins'
import { formatSelection, useGoing } from '@/state/url'
import { t } from '@/text/text'
import { Button, IconButton } from '@/ui/button'
import { CloseIcon, DeleteIcon, ErrorIcon, OkIcon } from '@/ui/icons'
import { toast } from '@/ui/toasts'
import { openDialog } from '@/parts/dialogs'
import { useDraftOfSeveral } from '@/parts/drafts'
import { EditingContext } from '@/parts/editors/editing'
import { ValueRow } from '@/parts/editors/ValueRow'
import { type Result, saveSeveral } from '@/parts/savingSeveral'
import { parseSubject } from '@/parts/subject'
import { TwinChip } from '@/parts/TwinChip'
import { useTwins } from '@/parts/twins'
import { beginDraft, changeCount, type Edit, edited, isTouched, leftOver, reverted, touched, unreadable, withEdits } from '@/parts/values/draft'
import { valueAt } from '@/parts/values/patch'
import { groupsOf, type Group, type Row } from '@/parts/values/rows'
import { Section } from './Section'

function all(groups: readonly Group[]): readonly Row[] { return groups.flatMap((group) => [...group.rows, ...all(group.groups)]) }

/** Properties that all of the twins have, with the same schema. */
function common(rows: readonly (readonly Row[])[]): readonly Row[] {
  const [first = [], ...rest] = rows
  return first.filter((row) => rest.every((list) => list.some((each) => joinPointer(each.path) === joinPointer(row.path) && each.schema.kind === row.schema.kind)))
}

/** Several twins: what they have in common, edited for all of them at once; each is saved by a patch of its own. */
export default function Several({ names }: { names: readonly string[] }): ReactNode {
  const { name: graph, twins, at } = useGraph()
  const models = useModels()
  const may = useMay()
  const { step } = useGoing()
  const ids = useMemo(() => names.map(parseSubject).flatMap((each) => (each.kind === 'twin' ? [each.id] : [])), [names])
  const read = useTwins(ids)
  const [kept, change] = useDraftOfSeveral(graph, ids)
  const draft = at === undefined ? kept : undefined
  const [saving, setSaving] = useState(false)
  const [results, setResults] = useState<readonly Result[]>([])
  const documents = useMemo(() => ids.flatMap((id): Twin[] => { const known = twins.get(id); return known ? [known.twin] : [] }), [ids, twins, read, results])
  const rows = useMemo(() => common([...new Set(documents.map(modelOf))].map((model) => all(groupsOf(models, model)))), [documents, models])
  // What they all have is shown; what differs is told and has no value here.
  const shared = useMemo(() => rows.reduce<JsonObject>((document, row) => {
    const [first, ...rest] = documents.map((each) => valueAt(each, row.path))
    return first !== undefined && rest.every((each) => sameJson(each, first)) ? withEdits(document, edited(beginDraft(document), [{ path: joinPointer(row.path), value: first }], 0)) : document
  }, {}), [rows, documents])
  const shown = draft ? withEdits(shared, draft) : shared
  const mixed = (row: Row): boolean => valueAt(shown, row.path) === undefined && documents.some((each) => valueAt(each, row.path) !== undefined) && !(draft && isTouched(draft, row.path))

  const save = async (): Promise<void> => {
    if (!draft || saving) return
    const edits = touched(draft).map((path): Edit => { const value = valueAt(shown, path); return { path: joinPointer(path), ...(value !== undefined && { value }) } })
    setSaving(true)
    try {
      // What was written while they were saved stays.
      if (await saveSeveral(graph, twins, documents, edits, setResults)) change((now) => leftOver(now, draft, withEdits(draft.base, draft)))
    } finally {
      setSaving(false)
    }
  }

  const readOnly = !may('digitaltwins/write')
  const changes = draft ? changeCount(draft) : 0
  return (
    <div className="in-view" data-testid="inspector.several">
      <header className="in-header">
        <h2 className="in-title" tabIndex={-1}>{t('inspector.several', { n: names.length })}</h2>
        <div className="row in-several">
          {may('digitaltwins/delete') && ids.length > 0 && <Button icon={DeleteIcon} onClick={() => { openDialog({ kind: 'delete-twins', ids }) }} data-testid="inspector.several.delete">{t('inspector.delete-all')}</Button>}
          {may('digitaltwins/relationships/write') && ids.length === 2 && <Button onClick={() => { openDialog({ kind: 'create-relationship', source: ids[0], target: ids[1] }) }}>{t('inspector.relate-both')}</Button>}
        </div>
      </header>
      <div className="in-scroll scroll">
        <Section title={t('inspector.selected')}>
          {names.map((each) => {
            const result = results.find((one) => one.id === each)
            return (
              <div key={each} className="in-tie">
                {parseSubject(each).kind === 'twin' ? <TwinChip id={each} plain /> : <span className="mono cut">{each}</span>}<span className="grow" />
                {result && <span className={result.state === 'refused' ? 'field-error cut' : 'hint'} title={'text' in result ? result.text : undefined} data-testid={`inspector.several.result.${each}`}>{result.state === 'refused' ? <ErrorIcon size={12} aria-hidden /> : result.state === 'saved' ? <OkIcon size={12} aria-hidden /> : null} {'text' in result ? result.text : t(`inspector.result-${result.state}`)}</span>}
                <IconButton icon={CloseIcon} size={12} label={t('inspector.deselect')} onClick={() => { step({ sel: formatSelection(names.filter((one) => one !== each)) }) }} />
              </div>
            )
          })}
        </Section>
        <EditingContext value={{
          readOnly, texts: draft ? unreadable(draft) : new Map(), refusals: new Map(), canUnset: true, testId: 'inspector', isEdited: (path) => draft !== undefined && isTouched(draft, path),
          onEdit: (edits) => { if (!change((before) => edited(before ?? beginDraft(shared), edits, Date.now()))) toast({ text: t('inspector.draft-too-long'), kind: 'error' }) },
          onRevert: (path) => { change((before) => before && reverted(before, path)) },
          unsetText: (path) => { const row = rows.find((each) => joinPointer(each.path) === joinPointer(path)); return row && mixed(row) ? t('inspector.mixed') : undefined },
        }}>
          <Section title={t('inspector.in-common')}>
            {rows.map((row) => <ValueRow key={joinPointer(row.path)} {...row} name={row.path.join('.')} value={valueAt(shown, row.path)} />)}
            {rows.length === 0 && <p className="hint in-none">{t('inspector.nothing-common')}</p>}
          </Section>
        </EditingContext>
      </div>
      {draft && changes > 0 && (
        <div className="in-bar" data-testid="inspector.bar"><div className="in-bar-row">
          <span className="grow secondary">{t('inspector.changes', { n: changes })}</span>
          <Button onClick={() => { change(() => undefined) }} data-testid="inspector.discard">{t('inspector.discard')}</Button>
          <Button look="main" disabled={saving || unreadable(draft).size > 0} onClick={() => { void save() }} data-testid="inspector.save">{saving ? t('inspector.saving') : t('inspector.save-all', { n: documents.length })}</Button>
        </div></div>
      )}
    </div>
  )
}
