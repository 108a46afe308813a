import './models.css'
import { lazy, type ReactNode, Suspense, useMemo, useState } from 'react'
import { asApiError } from '@/api/errors'
import { type Command, useCommands } from '@/commands/registry'
import { useWaitingForm } from '@/parts/form/useForm'
import { useMay, useModelsQuery } from '@/state/graph'
import { useHanded } from '@/state/handed'
import { useGoing } from '@/state/url'
import { t } from '@/text/text'
import { Button } from '@/ui/button'
import { Segments } from '@/ui/controls'
import { GraphIcon, ImportIcon, TableIcon, TreeIcon } from '@/ui/icons'
import { Splitter } from '@/ui/splitter'
import { Empty, Failed, Waiting } from '@/ui/states'
import { useCounts } from './data'
import { Detail } from './Detail'
import { Downloads } from './Downloads'
import { matcher, ModelList, ModelTree } from './Lists'
import { FORM, Upload } from './Upload'

const ModelGraph = lazy(() => import('./ModelGraph'))
const WIDTH = { initial: 340, min: 280, max: 900 }
type As = 'tree' | 'graph' | 'list'

/** Models: what there can be (design 5.3). */
export default function Screen(): ReactNode {
  const going = useGoing()
  const may = useMay()
  const query = useModelsQuery()
  const counts = useCounts()
  const [filter, setFilter] = useState('')
  const [width, setWidth] = useState(WIDTH.initial)
  const isWaiting = useWaitingForm(FORM) !== undefined
  const [uploading, setUploading] = useState<readonly File[] | undefined>(isWaiting || going.place.parameters.edit === 'upload' ? [] : undefined)
  useHanded('models', may('models/write') ? setUploading : undefined)
  const as = (going.place.parameters.as ?? 'tree') as As
  const chosen = going.place.rest[0]
  const commands = useMemo((): Command[] => [{
    id: 'models.upload', group: t('screens.models'), text: t('models.upload'), when: () => may('models/write'), run: () => { setUploading([]) },
  }], [may])
  useCommands(commands)
  const choose = (id: string): void => { going.go({ screen: 'models', rest: [id], parameters: { ...going.place.parameters } }) }
  const models = query.data
  const views = { models, counts: counts.data, filter, chosen, onChoose: choose }
  return (
    <div className="models" data-testid="models">
      <div className="screen-head">
        <Segments label={t('models.as')} value={as} onChange={(value) => { going.adjust({ as: value === 'tree' ? undefined : value }) }} testId="models.as" choices={[
          { value: 'tree', text: t('models.tree'), icon: TreeIcon }, { value: 'graph', text: t('models.graph'), icon: GraphIcon }, { value: 'list', text: t('models.list'), icon: TableIcon },
        ]} />
        <input className="input models-filter" type="search" placeholder={t('models.filter')} aria-label={t('models.filter')} value={filter} onChange={(event) => { setFilter(event.target.value) }} data-testid="models.filter" />
        <span className="grow" />
        {models !== undefined && models.all.length > 0 && <Downloads all={models.all.length} shown={models.all.map((model) => model.id).filter(matcher(models, filter))} />}
        {may('models/write') && <Button look="main" icon={ImportIcon} onClick={() => { setUploading([]) }} data-testid="models.upload">{t('models.upload')}</Button>}
      </div>
      {query.isPending && <Waiting rows={12} what={t('screens.models')} />}
      {query.error && <Failed error={asApiError(query.error)} onRetry={() => { void query.refetch() }} />}
      {models?.all.length === 0 && <Empty text={t('models.empty')} testId="models.empty" action={may('models/write') ? <Button look="main" icon={ImportIcon} onClick={() => { setUploading([]) }}>{t('models.upload')}</Button> : undefined} />}
      {models !== undefined && models.all.length > 0 && (
        <div className="models-panes">
          {as === 'graph'
            ? <Suspense><ModelGraph {...views} models={models} /></Suspense>
            : <div className={as === 'list' ? 'column grow' : 'column'} style={as === 'list' ? undefined : { width }}>{as === 'tree' ? <ModelTree {...views} models={models} /> : <ModelList {...views} models={models} />}</div>}
          {as === 'tree' && <Splitter label={t('models.width')} value={width} min={WIDTH.min} max={WIDTH.max} initial={WIDTH.initial} grows="right" onChange={setWidth} />}
          {(as === 'tree' || chosen !== undefined) && <Detail models={models} counts={counts.data} id={chosen} beside={as !== 'tree'} onChoose={choose} />}
        </div>
      )}
      {uploading && models && may('models/write') && <Upload models={models} files={uploading} onClose={() => { setUploading(undefined); going.adjust({ edit: undefined }) }} />}
    </div>
  )
}
