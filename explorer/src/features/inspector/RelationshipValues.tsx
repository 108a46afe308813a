import { useQuery } from '@tanstack/react-query'
import { type ReactNode, useEffect, useMemo } from 'react'
import { asApiError } from '@/api/errors'
import type { Relationship } from '@/api/types'
import { useGraph, useModels } from '@/state/graph'
import { modelOf, useKnownTwin } from '@/state/twins'
import { selecting, useGoing } from '@/state/url'
import { t } from '@/text/text'
import { Button } from '@/ui/button'
import { Failed, Waiting } from '@/ui/states'
import { EditingContext } from '@/parts/editors/editing'
import { ValueRow } from '@/parts/editors/ValueRow'
import { formatSubject, readSubject, type Subject } from '@/parts/subject'
import { useTwins } from '@/parts/twins'
import { rowsOf } from '@/parts/values/rows'
import { valueAt } from '@/parts/values/patch'
import { EditBar } from './EditBar'
import { Meanwhile } from './Meanwhile'
import { formKeys } from './Properties'
import { type Editor, useEditor } from './useEditor'

/** A relationship's document, asked for again when an event tells of it. */
export function useRelationship(source: string, id: string): { readonly subject: Subject; readonly query: ReturnType<typeof useQuery<Relationship>> } {
  const { name, at, generation, feed } = useGraph()
  const subject = useMemo((): Subject => ({ kind: 'relationship', source, id }), [source, id])
  const query = useQuery({
    queryKey: [name, 'relationship', formatSubject(subject), at, generation],
    queryFn: ({ signal }) => readSubject<Relationship>(name, subject, { signal, at }),
  })
  const { refetch } = query
  useEffect(() => feed.listen((batch) => {
    if (batch.some(({ event }) => event.type.includes('.Relationship.') && event.subject === `${source}/relationships/${id}`)) void refetch()
  }), [feed, source, id, refetch])
  return { subject, query }
}

/** A relationship's values, edited where it is listed. */
export function RelationshipValues({ source, id }: { source: string; id: string }): ReactNode {
  const { subject, query } = useRelationship(source, id)
  if (query.error) return <Failed compact error={asApiError(query.error)} onRetry={() => { void query.refetch() }} />
  if (!query.data) return <Waiting rows={2} what={t('inspector.relationship')} />
  return <InPlace subject={subject} document={query.data} />
}

function InPlace({ subject, document }: { subject: Subject; document: Relationship }): ReactNode {
  const { step } = useGoing()
  const editor = useEditor(subject, document)
  return (
    <>
      <RelationshipRows document={document} editor={editor} />
      <p className="in-none"><Button look="quiet" onClick={() => { step(selecting([formatSubject(subject)])) }}>{t('inspector.open-relationship')}</Button></p>
      <EditBar editor={editor} keys={false} />
    </>
  )
}

/** The properties that a relationship of this name has. */
export function RelationshipRows({ document, editor }: { document: Relationship; editor: Editor }): ReactNode {
  const { twins } = useGraph()
  const models = useModels()
  useTwins(useMemo(() => [document.$sourceId], [document.$sourceId]))
  const source = useKnownTwin(twins, document.$sourceId)
  const content = source && models.content(modelOf(source.twin), document.$relationshipName)
  const rows = useMemo(() => rowsOf(content?.properties ?? [], []), [content])
  return (
    <div onKeyDown={formKeys(editor)}>
      <EditingContext value={{ ...editor.editing, below: (path) => <Meanwhile editor={editor} document={document} path={path} /> }}>
        {rows.map((row) => <ValueRow key={row.name} {...row} value={valueAt(editor.shown, row.path)} />)}
      </EditingContext>
      {rows.length === 0 && <p className="hint in-none">{t('inspector.no-properties')}</p>}
    </div>
  )
}
