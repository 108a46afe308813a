import { apiPrefix } from '@/api/place'
import { type ReactNode, useEffect, useState } from 'react'
import { asApiError } from '@/api/errors'
import { useMay } from '@/state/graph'
import { useGoing } from '@/state/url'
import { formatAgo, t } from '@/text/text'
import { Button } from '@/ui/button'
import { AddIcon, ModelsIcon, ScenesIcon } from '@/ui/icons'
import { Empty, Failed, Waiting } from '@/ui/states'
import { type Entry, useScene, useSceneFile, useScenes } from './data'
import { NewScene } from './NewScene'

/** Cards beyond this show their name alone: each would be read for its title and its picture. */
const MOST_LOOKED_INTO = 40
const DOCS = `${apiPrefix}/docs/explorer/scenes`

/** The scenes of the graph, each with a picture of its drawing. */
export function List(): ReactNode {
  const may = useMay()
  const scenes = useScenes()
  const [making, setMaking] = useState(false)
  const mayWrite = may('kastor/explorer/write')
  const add = mayWrite ? <Button look="main" icon={AddIcon} onClick={() => { setMaking(true) }} data-testid="scenes.new">{t('scenes.new')}</Button> : null
  return (
    <div className="scenes" data-testid="scenes.list">
      <header className="screen-head">
        <h1 className="scenes-title grow">{t('screens.scenes')}</h1>
        {(scenes.data?.length ?? 0) > 0 && add}
      </header>
      <div className="scenes-cards-place scroll">
        {scenes.isPending && <Waiting what={t('scenes.what-list')} />}
        {scenes.error && <Failed error={asApiError(scenes.error)} onRetry={() => { void scenes.refetch() }} />}
        {scenes.data?.length === 0 && <Empty text={mayWrite ? t('scenes.none') : t('scenes.none-reader')} action={add} more={{ text: t('scenes.docs'), href: DOCS }} testId="scenes.empty" />}
        <ul className="scenes-cards">
          {(scenes.data ?? []).map((entry, index) => <li key={entry.name}>{index < MOST_LOOKED_INTO ? <Card entry={entry} /> : <Plain entry={entry} title={entry.name} />}</li>)}
        </ul>
      </div>
      {making && <NewScene taken={(scenes.data ?? []).map((each) => each.name)} onClose={() => { setMaking(false) }} />}
    </div>
  )
}

function Card({ entry }: { entry: Entry }): ReactNode {
  const { data } = useScene(entry.name)
  const file = useSceneFile(data?.scene.file)
  const text = file.data?.kind === 'drawing' ? file.data.text : undefined
  const source = usePicture(text)
  return (
    <Plain entry={entry} title={data?.scene.title ?? entry.name} bound={data?.scene.bindings.length}>
      {source !== undefined ? <img src={source} alt="" className="scenes-picture" /> : file.data?.kind === '3d' ? <ModelsIcon size={32} strokeWidth={1} aria-hidden /> : <ScenesIcon size={32} strokeWidth={1} aria-hidden />}
    </Plain>
  )
}

/** A drawing as a picture: as such it can do nothing but be seen. */
function usePicture(text: string | undefined): string | undefined {
  const [source, setSource] = useState<string>()
  useEffect(() => {
    if (text === undefined) return undefined
    const made = URL.createObjectURL(new Blob([text], { type: 'image/svg+xml' }))
    setSource(made)
    return () => { URL.revokeObjectURL(made); setSource(undefined) }
  }, [text])
  return source
}

function Plain({ entry, title, bound, children }: { entry: Entry; title: string; bound?: number | undefined; children?: ReactNode }): ReactNode {
  const { href, go } = useGoing()
  return (
    <a className="card scenes-card" href={`.${href({ screen: 'scenes', rest: [entry.name] })}`} data-testid={`scenes.card.${entry.name}`} onClick={(event) => {
      if (event.ctrlKey || event.metaKey || event.shiftKey) return
      event.preventDefault()
      go({ screen: 'scenes', rest: [entry.name] })
    }}>
      <span className="scenes-card-picture on-paper">{children ?? <ScenesIcon size={32} strokeWidth={1} aria-hidden />}</span>
      <span className="scenes-card-title cut">{title}</span>
      <span className="hint cut" title={entry.lastUpdateTime}>
        {bound !== undefined && `${t('scenes.bound-count', { n: bound })} · `}{t('scenes.changed', { ago: formatAgo(Date.now() - Date.parse(entry.lastUpdateTime)), by: entry.by })}
      </span>
    </a>
  )
}
