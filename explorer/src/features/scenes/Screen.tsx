import './scenes.css'
import { type ReactNode, useMemo } from 'react'
import { asApiError } from '@/api/errors'
import { useFeatures, useGraph, useMay } from '@/state/graph'
import { useGoing } from '@/state/url'
import { t } from '@/text/text'
import { Empty, Failed, Waiting } from '@/ui/states'
import { useScene } from './data'
import { List } from './List'
import { SceneView } from './SceneView'
import { useSceneDraft } from './useDraft'

/** Drawings whose elements are twins (design 5.7). */
export default function Screen(): ReactNode {
  const { place } = useGoing()
  const features = useFeatures()
  const [name] = place.rest
  if (features.size > 0 && !features.has('scene-files')) return <Empty text={t('scenes.not-here')} testId="scenes.not-here" />
  return name === undefined ? <List /> : <One key={name} name={name} />
}

function One({ name }: { name: string }): ReactNode {
  const graph = useGraph()
  const { place, go } = useGoing()
  const may = useMay()
  const query = useScene(name)
  const draft = useSceneDraft(graph.name, name, query.data)
  // Whoever may not write has no drafts either; in the past nobody may.
  const isEdited = may('kastor/explorer/write') && place.parameters.edit !== undefined
  const scene = useMemo(() => (isEdited ? draft.draft?.scene : undefined) ?? query.data?.scene, [isEdited, draft.draft, query.data])
  if (query.error && !scene) {
    return (
      <div className="scenes-broken">
        <header className="screen-head"><h1 className="cut scenes-title">{name}</h1></header>
        <Failed error={asApiError(query.error)} onRetry={() => { void query.refetch() }} />
        <p className="scenes-broken-way"><button type="button" className="button" onClick={() => { go({ screen: 'scenes', rest: [] }) }}>{t('scenes.to-list')}</button></p>
      </div>
    )
  }
  if (!scene) return <Waiting what={t('scenes.what')} rows={8} />
  return <SceneView name={name} scene={scene} saved={query.data} draft={draft} isEdited={isEdited} />
}
