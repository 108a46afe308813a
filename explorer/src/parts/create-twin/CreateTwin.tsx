import { useQuery } from '@tanstack/react-query'
import { type ReactNode, useMemo, useState } from 'react'
import { type ApiError, asApiError } from '@/api/errors'
import { type JsonObject, writeJson } from '@/api/json'
import { queryPages } from '@/api/pages'
import { say, shortName } from '@/dtdl/model'
import type { Models } from '@/dtdl/models'
import { useGraph, useModels } from '@/state/graph'
import { lookOf } from '@/state/looks'
import { modelOf, useKnownTwin } from '@/state/twins'
import { formatSelection, useGoing } from '@/state/url'
import { t } from '@/text/text'
import { Button, IconButton } from '@/ui/button'
import { Field } from '@/ui/controls'
import { Select } from '@/ui/select'
import { Dialog } from '@/ui/dialog'
import { CloseIcon, EditIcon } from '@/ui/icons'
import { MarkIcon } from '@/ui/mark'
import { Failed } from '@/ui/states'
import { textIn } from '../form/kept'
import { FormNote } from '../form/FormNote'
import { useForm } from '../form/useForm'
import { Picker, type PickRow } from '../pick/Picker'
import { TwinPicker } from '../pick/TwinPicker'
import { quoteForQuery, useLabel, useTwins } from '../twins'
import { takingBack } from '../unchanged'
import { wrote } from '../undoable'
import { LABELS } from '../values/show'
import { batch, type BatchOperation } from '../writing'
import { components, waysInto } from './fitting'
import { isId, suggestId } from './ids'

const SIBLINGS = 200

/** Models as a tree: below what they extend; those of which no twin can be made are told, not offered. */
function modelRows(models: Models): readonly PickRow[] {
  const parts = new Set(models.all.flatMap((model) => model.contents.flatMap((each) => (each.kind === 'component' && each.model !== undefined ? [each.model] : []))))
  return models.all.filter((model) => !model.decommissioned).map((model) => ({ model, order: [...model.bases].reverse().concat(model.id).join('\n') }))
    .sort((one, other) => Number(parts.has(one.model.id)) - Number(parts.has(other.model.id)) || one.order.localeCompare(other.order))
    .map(({ model }) => ({ id: model.id, text: say(model.displayName, shortName(model.id)), hint: shortName(model.id), depth: Math.min(4, model.bases.length), icon: <MarkIcon look={lookOf(models, model.id)} /> }))
}

/** Ids of twins of a model, inside of another one if it is given: the new one is called in their manner. */
function useSiblings(model: string | undefined, inside: string | undefined): readonly string[] {
  const { name } = useGraph()
  const { data } = useQuery({
    queryKey: [name, 'siblings', model, inside], enabled: model !== undefined, staleTime: 0,
    queryFn: async ({ signal }) => {
      const ids = async (query: string): Promise<string[]> => {
        for await (const { data: page } of queryPages(name, { query, signal })) return page.value.flatMap((row) => (typeof row === 'object' && row !== null && '$dtId' in row ? [String(row.$dtId)] : []))
        return []
      }
      const of = `IS_OF_MODEL(T, ${quoteForQuery(model ?? '')}, exact)`
      const near = inside === undefined ? [] : await ids(`SELECT TOP(${SIBLINGS}) T.$dtId FROM DIGITALTWINS MATCH (P)-[]-(T) WHERE P.$dtId = ${quoteForQuery(inside)} AND ${of}`).catch(() => [])
      return near.length > 1 ? near : await ids(`SELECT TOP(${SIBLINGS}) T.$dtId FROM DIGITALTWINS T WHERE ${of}`)
    },
  })
  return data ?? []
}

interface Plan { readonly id: string; readonly model: string; readonly name: string; readonly inside: string | undefined; readonly way: string | undefined }

function operationsOf(models: Models, plan: Plan): readonly BatchOperation[] {
  const label = LABELS.find((each) => models.content(plan.model, each)?.schema?.kind === 'string')
  const body: JsonObject = { ...(label !== undefined && plan.name !== '' && { [label]: plan.name }), ...components(models, plan.model), $metadata: { $model: plan.model } }
  const twin: BatchOperation = { op: 'put', kind: 'twin', id: plan.id, body, ifNoneMatch: '*' }
  if (plan.inside === undefined || plan.way === undefined) return [twin]
  const down = plan.way.startsWith('>')
  const name = plan.way.slice(1)
  const [source, target] = down ? [plan.inside, plan.id] : [plan.id, plan.inside]
  return [twin, { op: 'put', kind: 'relationship', id: `${source}-${name}-${target}`.slice(-128), source, body: { $targetId: target, $relationshipName: name }, ifNoneMatch: '*' }]
}

interface Written {
  readonly model: string | undefined
  readonly inside: string | undefined
  /** The id, if it is not the one that was suggested. */
  readonly id: string | undefined
  readonly name: string
  readonly way: string | undefined
}

/** Each place in which one begins to make a twin has a form of its own. */
export function nameOfNew(model: string | undefined, inside: string | undefined): string { return writeJson({ model, inside }) }

/** Make a twin: its model, an id in the manner of its siblings, and in what it lies (design 5.4). */
export default function CreateTwin({ model: given, inside: around, onClose }: { model?: string | undefined; inside?: string | undefined; onClose: () => void }): ReactNode {
  const { name: graph, twins } = useGraph()
  const models = useModels()
  const { step } = useGoing()
  const form = useForm<Written>({
    kind: 'create-twin', name: nameOfNew(given, around),
    begin: () => ({ model: given, inside: around, id: undefined, name: '', way: undefined }),
    read: (kept) => ({ model: textIn(kept, 'model'), inside: textIn(kept, 'inside'), id: textIn(kept, 'id'), name: textIn(kept, 'name') ?? '', way: textIn(kept, 'way') }),
  })
  const { model, inside, id: written, name, way: chosenWay } = form.value
  const { change } = form
  const [error, setError] = useState<ApiError>()
  const [busy, setBusy] = useState(false)
  useTwins(useMemo(() => (inside === undefined ? [] : [inside]), [inside]))
  const outer = useKnownTwin(twins, inside)
  const siblings = useSiblings(model, inside)
  const rows = useMemo(() => modelRows(models), [models])
  const fitting = useMemo(() => (outer ? rows.filter((row) => waysInto(models, row.id, modelOf(outer.twin)).length > 0) : rows), [rows, models, outer])
  const ways = model !== undefined && outer ? waysInto(models, model, modelOf(outer.twin)).map((each) => `${each.down ? '>' : '<'}${each.name}`) : []
  const way = chosenWay !== undefined && ways.includes(chosenWay) ? chosenWay : ways[0]
  const id = written ?? (model === undefined ? '' : suggestId(siblings, shortName(model)))
  const taken = siblings.includes(id) || (id !== '' && twins.has(id))
  const problem = id === '' ? undefined : !isId(id) ? t('inspector.id-wrong') : taken ? t('inspector.id-taken') : undefined

  const create = async (): Promise<void> => {
    if (model === undefined || problem !== undefined || busy) return
    setBusy(true)
    setError(undefined)
    const operations = operationsOf(models, { id, model, name, inside, way })
    try {
      await batch(graph, operations)
      wrote(t('inspector.created', { name: name === '' ? id : name }), async () => { await batch(graph, await takingBack(graph, operations)) }, async () => { await batch(graph, operations) })
      step({ sel: formatSelection([id]) })
      form.forget()
      onClose()
    } catch (thrown) {
      setError(asApiError(thrown))
    } finally {
      setBusy(false)
    }
  }
  return (
    <Dialog open title={t('inspector.create-title')} onClose={() => { form.putAside(); onClose() }} testId="create-twin" foot={(
      <>
        <Button onClick={() => { form.forget(); onClose() }} data-testid="create-twin.cancel">{t('ui.cancel')}</Button>
        <Button look="main" disabled={model === undefined || id === '' || problem !== undefined || busy} onClick={() => { void create() }} data-testid="create-twin.create">{t('inspector.create')}</Button>
      </>
    )}>
      <form className="write-form" onSubmit={(event) => { event.preventDefault(); void create() }}>
        <FormNote form={form} />
        <Inside id={inside} onChange={(next) => { change({ inside: next, way: undefined }) }} />
        <span className="field-label">{t('inspector.choose-model')}</span>
        {model === undefined ? <Picker label={t('inspector.choose-model')} rows={fitting} onChoose={(next) => { change({ model: next }) }} empty={t('inspector.no-models')} testId="create-twin.model" /> : (
          <>
            <div className="write-chosen">
              <MarkIcon look={lookOf(models, model)} /><span className="cut grow" title={model}>{models.name(model)}</span>
              {given === undefined && <IconButton icon={EditIcon} label={t('inspector.choose-other')} onClick={() => { change({ model: undefined, id: undefined }) }} />}
            </div>
            {ways.length > 0 && way !== undefined && (
              <div className="field"><span className="field-label">{t('inspector.relationship-name')}</span>
                <Select label={t('inspector.relationship-name')} value={way} onChange={(next) => { change({ way: next }) }} testId="create-twin.way" choices={ways.map((each) => ({ value: each, text: each.slice(1), hint: each.startsWith('>') ? t('inspector.incoming') : t('inspector.outgoing') }))} />
              </div>
            )}
            <Field label={t('inspector.id')} hint={t('inspector.id-hint')} error={problem}><input className="input mono" value={id} onChange={(event) => { change({ id: event.target.value }) }} aria-invalid={problem !== undefined} autoComplete="off" spellCheck={false} data-testid="create-twin.id" /></Field>
            {LABELS.some((each) => models.content(model, each)?.schema?.kind === 'string') && <Field label={t('inspector.name')}><input className="input" value={name} onChange={(event) => { change({ name: event.target.value }) }} autoFocus autoComplete="off" data-testid="create-twin.name" /></Field>}
          </>
        )}
        {error && <Failed compact error={error} />}
        <button type="submit" hidden />
      </form>
    </Dialog>
  )
}

function Inside({ id, onChange }: { id: string | undefined; onChange: (id: string | undefined) => void }): ReactNode {
  const [choosing, setChoosing] = useState(false)
  const label = useLabel(id ?? '')
  return (
    <div className="field">
      <span className="field-label">{t('inspector.inside')}</span>
      {choosing ? <TwinPicker label={t('inspector.inside')} onChoose={(next) => { onChange(next); setChoosing(false) }} testId="create-twin.inside" /> : (
        <div className="write-chosen">
          <span className="cut grow">{id === undefined ? <span className="secondary">{t('inspector.inside-none')}</span> : label}</span>
          <IconButton icon={EditIcon} label={t('inspector.choose-other')} onClick={() => { setChoosing(true) }} data-testid="create-twin.choose-inside" />
          {id !== undefined && <IconButton icon={CloseIcon} label={t('values.remove')} onClick={() => { onChange(undefined) }} />}
        </div>
      )}
    </div>
  )
}

