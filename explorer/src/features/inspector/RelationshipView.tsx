import { type ReactNode, useMemo } from 'react'
import { asApiError } from '@/api/errors'
import { useGraph, useMay } from '@/state/graph'
import { useGoing } from '@/state/url'
import { t } from '@/text/text'
import { Button, IconButton } from '@/ui/button'
import { CopyIcon, DeleteIcon, OutIcon } from '@/ui/icons'
import { Failed, Waiting } from '@/ui/states'
import { deleteRelationship } from '@/parts/relationships'
import { TwinChip } from '@/parts/TwinChip'
import { useTwins } from '@/parts/twins'
import { attempt } from '@/parts/undoable'
import { copy } from './Header'
import { RelationshipValues, useRelationship } from './RelationshipValues'

/** A relationship that is selected: from where to where, its name, its values. */
export function RelationshipView({ source, id }: { source: string; id: string }): ReactNode {
  const { name } = useGraph()
  const may = useMay()
  const { step } = useGoing()
  const { query } = useRelationship(source, id)
  const document = query.data
  useTwins(useMemo(() => (document ? [document.$sourceId, document.$targetId] : []), [document]))
  if (query.error && !document) return <Failed error={asApiError(query.error)} onRetry={() => { void query.refetch() }} />
  if (!document) return <Waiting what={id} />
  return (
    <div className="in-view" data-testid="inspector.relationship">
      <header className="in-header">
        <div className="row in-model"><span className="mono">{t('inspector.relationship')}</span></div>
        <h2 className="in-title mono">{document.$relationshipName}</h2>
        <div className="row in-id"><span className="mono cut">{document.$relationshipId}</span><IconButton icon={CopyIcon} size={12} label={t('inspector.copy-id')} onClick={() => { copy(document.$relationshipId) }} /></div>
        <div className="row in-ends"><TwinChip id={document.$sourceId} /><OutIcon size={14} aria-label={t('inspector.outgoing')} /><TwinChip id={document.$targetId} /></div>
      </header>
      <div className="in-scroll scroll">
        <RelationshipValues source={source} id={id} linked={false} />
        {may('digitaltwins/relationships/delete') && (
          <div className="in-foot"><Button look="danger" icon={DeleteIcon} data-testid="inspector.relationship.delete" onClick={() => {
            void attempt(async () => { await deleteRelationship(name, source, id); step({ sel: source }) })
          }}>{t('inspector.delete-relationship')}</Button></div>
        )}
      </div>
    </div>
  )
}
