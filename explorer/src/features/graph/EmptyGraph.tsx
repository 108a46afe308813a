import { useQueryClient } from '@tanstack/react-query'
import { type ReactNode, useState } from 'react'
import { asApiError, type ApiError } from '@/api/errors'
import { send } from '@/api/http'
import type { Models } from '@/dtdl/models'
import { openDialog } from '@/parts/dialogs'
import { useGraph, useMay } from '@/state/graph'
import { lookOf } from '@/state/looks'
import { t } from '@/text/text'
import { Button } from '@/ui/button'
import { copyText } from '@/ui/copy'
import { AddIcon, CopyIcon, ImportIcon, ModelsIcon, SampleIcon } from '@/ui/icons'
import { MarkIcon } from '@/ui/mark'
import { Failed } from '@/ui/states'
import type { View } from './view'

const COMMAND = 'kastor models upload ./models'
const MOST_MODELS = 24

/** Nothing is here yet: the doors in (design 2.4). */
export function EmptyGraph({ view, models }: { view: View; models: Models }): ReactNode {
  const { at } = useGraph()
  if (view.query !== undefined) return <Card title={t('graph.empty-query')}><Button onClick={() => { view.going.step({ q: undefined }) }}>{t('graph.whole')}</Button></Card>
  if (at !== undefined) return <Card title={t('graph.empty-then')}><Button onClick={() => { view.going.adjust({ at: undefined }) }}>{t('frame.now')}</Button></Card>
  return models.all.length === 0 ? <Doors view={view} /> : <FirstTwin models={models} view={view} />
}

function Card({ title, text, children }: { title: string; text?: string; children: ReactNode }): ReactNode {
  return (
    <div className="graph-empty" data-testid="graph.empty">
      <div className="card empty-card">
        <h2>{title}</h2>
        {text !== undefined && <p className="secondary">{text}</p>}
        {children}
      </div>
    </div>
  )
}

function Doors({ view }: { view: View }): ReactNode {
  const { name } = useGraph()
  const may = useMay()
  const client = useQueryClient()
  const [busy, setBusy] = useState(false)
  const [error, setError] = useState<ApiError>()
  const mayWrite = may('models/write')
  const load = (): void => {
    setBusy(true)
    setError(undefined)
    send(name, { method: 'POST', path: '/kastor/v1/sample', body: { name: 'building' } })
      .then(() => client.invalidateQueries({ queryKey: [name] }), (thrown: unknown) => { setError(asApiError(thrown)) })
      .finally(() => { setBusy(false) })
  }
  if (!mayWrite) return <Card title={t('graph.empty')} text={t('graph.empty-reader')}>{null}</Card>
  return (
    <Card title={t('graph.empty')} text={t('graph.empty-text')}>
      <Door icon={SampleIcon} title={t('graph.door-sample')} text={busy ? t('graph.door-sample-busy') : t('graph.door-sample-text')} onOpen={load} disabled={busy} testId="graph.empty.sample" main />
      {error && <Failed error={error} compact />}
      <Door icon={ModelsIcon} title={t('graph.door-models')} text={t('graph.door-models-text')} onOpen={() => { view.going.go({ screen: 'models', rest: [], parameters: { edit: 'upload' } }) }} testId="graph.empty.models" />
      <Door icon={ImportIcon} title={t('graph.door-import')} text={t('graph.door-import-text')} onOpen={() => { view.going.go({ screen: 'io', rest: ['import'] }) }} testId="graph.empty.import" />
      <p className="row secondary empty-shell">
        {t('graph.from-shell')} <code className="grow cut">{COMMAND}</code>
        <Button look="quiet" icon={CopyIcon} onClick={() => { void copyText(COMMAND) }} data-testid="graph.empty.copy">{t('graph.copy')}</Button>
      </p>
    </Card>
  )
}

function Door({ icon: Icon, title, text, onOpen, disabled = false, main = false, testId }: { icon: typeof SampleIcon; title: string; text: string; onOpen: () => void; disabled?: boolean; main?: boolean; testId: string }): ReactNode {
  return (
    <button type="button" className={main ? 'door main' : 'door'} onClick={onOpen} disabled={disabled} data-testid={testId}>
      <Icon size={18} strokeWidth={1.75} aria-hidden />
      <span className="door-title">{title}</span>
      <span className="secondary cut">{text}</span>
    </button>
  )
}

/** There are models, and no twin of them. */
function FirstTwin({ models, view }: { models: Models; view: View }): ReactNode {
  const may = useMay()
  const creatable = models.all.filter((model) => !model.decommissioned)
  const mayCreate = may('digitaltwins/write')
  return (
    <Card title={t('graph.no-twins', { n: creatable.length })} text={mayCreate ? t('graph.no-twins-text') : t('graph.no-twins-reader')}>
      {mayCreate && <Button look="main" icon={AddIcon} onClick={() => { openDialog({ kind: 'create-twin' }) }} data-testid="graph.empty.create">{t('graph.first-twin')}</Button>}
      <ul className="empty-models">
        {creatable.slice(0, MOST_MODELS).map((model) => (
          <li key={model.id}>
            <button type="button" className="find-row" title={mayCreate ? t('graph.first-of', { name: models.name(model.id) }) : model.id} onClick={() => { if (mayCreate) openDialog({ kind: 'create-twin', model: model.id }); else view.going.go({ screen: 'models', rest: [model.id], parameters: {} }) }} data-testid={`graph.empty.create.${model.id}`}>
              <MarkIcon look={lookOf(models, model.id)} size={12} /><span className="cut grow">{models.name(model.id)}</span>
            </button>
          </li>
        ))}
      </ul>
    </Card>
  )
}
