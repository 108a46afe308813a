import { type ReactNode, useState } from 'react'
import { Link } from 'wouter'
import { asApiError } from '@/api/errors'
import type { ResolvedModel } from '@/dtdl/model'
import { say } from '@/dtdl/model'
import type { Models } from '@/dtdl/models'
import { openDialog } from '@/parts/dialogs'
import { useGraph, useMay } from '@/state/graph'
import { lookOf } from '@/state/looks'
import { useGoing } from '@/state/url'
import { formatNumber, t } from '@/text/text'
import { Button, IconButton } from '@/ui/button'
import { Tabs } from '@/ui/controls'
import { copyText } from '@/ui/copy'
import { AddIcon, CopyIcon, DecommissionIcon, DeleteIcon, DownloadIcon, GraphIcon, MoreIcon, QueryIcon, RestoreIcon } from '@/ui/icons'
import { MarkIcon } from '@/ui/mark'
import { Menu } from '@/ui/menu'
import { Empty } from '@/ui/states'
import { toast } from '@/ui/toasts'
import { ActDialog, type ModelAct } from './acts'
import { Contents } from './Contents'
import { type Counts, countWithin } from './data'
import { Definition } from './Definition'
import { downloadModel } from './download'
import { Used } from './Used'
import { Versions } from './Versions'

interface DetailProps {
  readonly models: Models
  readonly counts: Counts | undefined
  readonly id: string | undefined
  /** Beside a list or a graph that takes the room. */
  readonly beside: boolean
  readonly onChoose: (id: string) => void
}

/** One model: what it contains, its DTDL, its versions, who uses it. */
export function Detail({ models, counts, id, beside, onChoose }: DetailProps): ReactNode {
  const model = id === undefined ? undefined : models.get(id)
  const frame = beside ? 'models-detail beside' : 'models-detail'
  if (id === undefined) return <section className={frame}><Empty text={t('models.choose')} /></section>
  if (!model) return <section className={frame}><Empty text={t('models.missing', { id })} testId="models.missing" /></section>
  return <section className={frame} aria-label={models.name(id)} data-testid="models.detail"><Shown key={id} models={models} counts={counts} model={model} onChoose={onChoose} /></section>
}

function Shown({ models, counts, model, onChoose }: { models: Models; counts: Counts | undefined; model: ResolvedModel; onChoose: (id: string) => void }): ReactNode {
  const going = useGoing()
  const { tab } = going.place.parameters
  const twins = countWithin(models, counts, model.id)
  return (
    <>
      <Head models={models} model={model} twins={twins} />
      <Tabs label={models.name(model.id)} value={tab ?? 'contents'} onChange={(next) => { going.adjust({ tab: next === 'contents' ? undefined : next }) }} testId="models.tab" tabs={[
        { value: 'contents', text: t('models.contents'), count: model.contents.length, content: <Contents models={models} model={model} counts={counts} onChoose={onChoose} /> },
        { value: 'json', text: t('models.json'), content: <Definition id={model.id} /> },
        { value: 'versions', text: t('models.versions'), content: <Versions models={models} counts={counts} id={model.id} onChoose={onChoose} /> },
        { value: 'used', text: t('models.used'), content: <Used models={models} counts={counts} id={model.id} onChoose={onChoose} /> },
      ]} />
    </>
  )
}

function Head({ models, model, twins }: { models: Models; model: ResolvedModel; twins: number }): ReactNode {
  const going = useGoing()
  const may = useMay()
  const [act, setAct] = useState<ModelAct>()
  const { name, at } = useGraph()
  const copy = (): void => { void copyText(model.id) }
  const download = async (): Promise<void> => {
    try {
      await downloadModel(name, model.id, at)
    } catch (error) {
      toast({ kind: 'error', text: asApiError(error).message })
    }
  }
  const query = `SELECT * FROM DIGITALTWINS T WHERE IS_OF_MODEL(T, '${model.id}')`
  const description = say(model.description, '')
  return (
    <header className="models-head">
      <div className="row"><MarkIcon look={lookOf(models, model.id)} size={14} /><h2 className="cut grow">{models.name(model.id)}</h2>
        {model.decommissioned && <span className="tag warn">{t('models.decommissioned')}</span>}
        {may('digitaltwins/write') && !model.decommissioned && <Button look="main" icon={AddIcon} onClick={() => { openDialog({ kind: 'create-twin', model: model.id }) }} data-testid="models.create">{t('models.create')}</Button>}
        <Menu align="end" trigger={<IconButton icon={MoreIcon} label={t('models.more')} />} items={[
          { text: t('models.show'), icon: GraphIcon, run: () => { going.go({ screen: 'graph', parameters: { q: query } }) } },
          { text: t('models.ask'), icon: QueryIcon, run: () => { going.go({ screen: 'query', parameters: { q: query } }) } },
          { text: t('models.download'), icon: DownloadIcon, testId: 'models.download-one', run: () => { void download() } },
          ...(may('models/write') && !model.decommissioned ? [{ text: t('models.decommission'), icon: DecommissionIcon, run: () => { setAct('decommission') } }] : []),
          ...(may('models/write') && model.decommissioned ? [{ text: t('models.recommission'), icon: RestoreIcon, run: () => { setAct('recommission') } }] : []),
          ...(may('models/delete') ? [{ text: t('models.delete'), icon: DeleteIcon, danger: true, run: () => { setAct('delete') }, testId: 'models.delete' }] : []),
        ]} />
      </div>
      <div className="row"><code className="cut">{model.id}</code><IconButton icon={CopyIcon} label={t('models.copy-id')} onClick={copy} /><span className="grow" /><Link href={going.href({ screen: 'query', parameters: { q: query } })} className="num">{t('models.n-twins', { n: twins })}</Link>{model.dtdlVersion !== undefined && <span className="tag">{t('models.dtdl-version', { version: formatNumber(model.dtdlVersion) })}</span>}</div>
      {description !== '' && <p className="secondary">{description}</p>}
      {act && <ActDialog act={act} models={models} id={model.id} onClose={() => { setAct(undefined) }} />}
    </header>
  )
}
