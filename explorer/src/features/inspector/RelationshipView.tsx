import { type ReactNode, useMemo } from 'react'
import { asApiError } from '@/api/errors'
import type { Relationship } from '@/api/types'
import { useGraph, useMay } from '@/state/graph'
import { selecting, useGoing } from '@/state/url'
import { t } from '@/text/text'
import { Button, IconButton } from '@/ui/button'
import { Tabs } from '@/ui/controls'
import { CopyIcon, DeleteIcon, OutIcon } from '@/ui/icons'
import { Failed, Waiting } from '@/ui/states'
import { deleteRelationship } from '@/parts/relationships'
import type { Subject } from '@/parts/subject'
import { TwinChip } from '@/parts/TwinChip'
import { useTwins } from '@/parts/twins'
import { attempt } from '@/parts/undoable'
import { copy } from './Header'
import { EditBar } from './EditBar'
import { HistoryTab } from './HistoryTab'
import { JsonTab } from './JsonTab'
import { RelationshipRows, useRelationship } from './RelationshipValues'
import { useEditor } from './useEditor'

/** A relationship that is selected: from where to where, its name, its values, what it was. */
export default function RelationshipView({ source, id }: { source: string; id: string }): ReactNode {
  const { subject, query } = useRelationship(source, id)
  const document = query.data
  if (query.error && (!document || asApiError(query.error).status === 404)) return <Failed error={asApiError(query.error)} onRetry={() => { void query.refetch() }} />
  if (!document) return <Waiting what={id} />
  return <Loaded subject={subject} document={document} />
}

function Loaded({ subject, document }: { subject: Subject; document: Relationship }): ReactNode {
  const { name } = useGraph()
  const may = useMay()
  const { place, adjust, step } = useGoing()
  const editor = useEditor(subject, document)
  const { $sourceId: source, $targetId: target, $relationshipId: id } = document
  useTwins(useMemo(() => [source, target], [source, target]))
  const remove = async (): Promise<void> => { await attempt(async () => { await deleteRelationship(name, source, id); step(selecting([source])) }) }
  const tabs = [
    { value: 'properties', text: t('inspector.properties'), content: (
      <div className="in-properties">
        <RelationshipRows document={document} editor={editor} />
        {may('digitaltwins/relationships/delete') && <div className="in-foot"><Button look="danger" icon={DeleteIcon} data-testid="inspector.relationship.delete" onClick={() => { void remove() }}>{t('inspector.delete-relationship')}</Button></div>}
      </div>
    ) },
    ...(may('kastor/history/read') ? [{ value: 'history', text: t('inspector.history'), content: <HistoryTab subject={subject} updated={undefined} /> }] : []),
    { value: 'json', text: t('inspector.json'), content: <JsonTab subject={subject} document={document} editor={editor} onApplied={() => { adjust({ tab: undefined }) }} /> },
  ]
  const chosen = tabs.some((tab) => tab.value === place.parameters.tab) ? place.parameters.tab ?? 'properties' : 'properties'
  return (
    <div className="in-view" data-testid="inspector.relationship">
      <header className="in-header">
        <div className="row in-model"><span className="mono">{t('inspector.relationship')}</span></div>
        <h2 className="in-title mono" tabIndex={-1}>{document.$relationshipName}</h2>
        <div className="row in-id"><span className="mono cut">{id}</span><IconButton icon={CopyIcon} size={12} label={t('inspector.copy-id')} onClick={() => { copy(id) }} /></div>
        <div className="row in-ends"><TwinChip id={source} /><OutIcon size={14} aria-label={t('inspector.outgoing')} /><TwinChip id={target} /></div>
      </header>
      <Tabs label={t('inspector.tabs')} value={chosen} tabs={tabs} onChange={(tab) => { adjust({ tab: tab === 'properties' ? undefined : tab }) }} testId="inspector.tab" />
      <EditBar editor={editor} />
    </div>
  )
}
