import { type ReactNode, useEffect, useMemo } from 'react'
import { asApiError } from '@/api/errors'
import type { Twin } from '@/api/types'
import { useGraph, useMay } from '@/state/graph'
import { noteRecent } from '@/state/recent'
import { modelOf } from '@/state/twins'
import { useGoing } from '@/state/url'
import { t } from '@/text/text'
import { Tabs } from '@/ui/controls'
import { Sparkline } from '@/ui/sparkline'
import { Failed, Waiting } from '@/ui/states'
import type { Editing } from '@/parts/editors/editing'
import { useRelated } from '@/parts/relationships'
import type { Subject } from '@/parts/subject'
import { useTwin } from '@/parts/twins'
import { joinPath, labelOf } from '@/parts/values/show'
import { EditBar } from './EditBar'
import { Header } from './Header'
import { HistoryTab } from './HistoryTab'
import { JsonTab } from './JsonTab'
import { authorOf } from './ways'
import { Meanwhile } from './Meanwhile'
import { Properties } from './Properties'
import { Relationships } from './Relationships'
import { useEditor } from './useEditor'
import { useLively, useNewest } from './useLively'

/** A twin: what it is, its values, what it is related to, what it was. */
export default function TwinView({ id, page = false }: { id: string; page?: boolean }): ReactNode {
  const { twin, query } = useTwin(id)
  if (query.error && !twin) return <Failed error={asApiError(query.error)} onRetry={() => { void query.refetch() }} />
  if (!twin) return <Waiting rows={12} what={id} />
  return <Loaded key={id} twin={twin} page={page} />
}

function Loaded({ twin, page }: { twin: Twin; page: boolean }): ReactNode {
  const { name } = useGraph()
  const may = useMay()
  const { place, adjust, go } = useGoing()
  const mayHistory = may('kastor/history/read')
  const id = twin.$dtId
  const subject = useMemo((): Subject => ({ kind: 'twin', id }), [id])
  const updated = typeof twin.$metadata['$lastUpdateTime'] === 'string' ? twin.$metadata['$lastUpdateTime'] : undefined
  const versions = useNewest(subject, updated)
  const { isLively, pointsAt } = useLively(subject, twin, versions)
  const related = useRelated(id)
  const extras = useMemo((): Pick<Editing, 'aside' | 'isLively'> => ({
    isLively,
    aside: (path) => {
      const points = pointsAt(path)
      if (points.length < 2) return null
      const values = points.map((each) => each.value)
      const label = t('inspector.spark', { name: joinPath(path), n: points.length, low: Math.min(...values), high: Math.max(...values) })
      const spark = <Sparkline points={points} label={label} />
      if (!mayHistory) return spark
      return <button type="button" className="in-spark" aria-label={label} onClick={() => { go({ screen: 'history', parameters: { twin: id, prop: joinPath(path) } }) }}>{spark}</button>
    },
  }), [isLively, pointsAt, mayHistory, go, id])
  const base = useEditor(subject, twin, extras)
  const editor = useMemo(() => ({ ...base, editing: { ...base.editing, below: (path: readonly string[]) => <Meanwhile editor={base} document={twin} path={path} /> } }), [base, twin])
  const label = labelOf(editor.shown)
  const model = modelOf(twin)
  useEffect(() => { noteRecent(name, { id, name: labelOf(twin), model }) }, [name, id, model])
  const count = related.data ? related.data.outgoing.length + related.data.incoming.length : undefined
  const tabs = [
    { value: 'properties', text: t('inspector.properties'), content: <Properties twin={twin} editor={editor} /> },
    { value: 'relationships', text: t('inspector.relationships'), ...(count !== undefined && { count }), content: <Relationships id={id} /> },
    ...(mayHistory ? [{ value: 'history', text: t('inspector.history'), content: <HistoryTab subject={subject} updated={updated} /> }] : []),
    { value: 'json', text: t('inspector.json'), content: <JsonTab subject={subject} document={twin} editor={editor} onApplied={() => { adjust({ tab: undefined }) }} /> },
  ]
  const chosen = tabs.some((tab) => tab.value === place.parameters.tab) ? place.parameters.tab ?? 'properties' : 'properties'
  return (
    <div className="in-view" data-testid="inspector.twin">
      <Header id={id} model={model} label={label} updated={updated} actor={versions[0] && versions[0].from === updated ? authorOf(versions[0]) : undefined} page={page} />
      <Tabs label={t('inspector.tabs')} value={chosen} tabs={tabs} onChange={(tab) => { adjust({ tab: tab === 'properties' ? undefined : tab }) }} testId="inspector.tab" />
      <EditBar editor={editor} />
    </div>
  )
}
