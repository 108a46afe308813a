import { type ReactNode, useMemo, useState } from 'react'
import { rank } from '@/commands/rank'
import type { Models } from '@/dtdl/models'
import { lookOf } from '@/state/looks'
import { formatNumber, t } from '@/text/text'
import { MarkIcon } from '@/ui/mark'
import { type Column, Table } from '@/ui/table'
import { Tree, type TreeRow } from '@/ui/tree'
import { allKeys, type Counts, countWithin, partsOf, sortedByName, treeOf } from './data'

export interface ListProps {
  readonly models: Models
  readonly counts: Counts | undefined
  readonly filter: string
  readonly chosen: string | undefined
  readonly onChoose: (id: string) => void
}

export function matcher(models: Models, filter: string): (id: string) => boolean {
  return (id) => filter.trim() === '' || rank(models.name(id), filter) !== undefined || id.toLowerCase().includes(filter.trim().toLowerCase())
}

/** Inheritance as a tree; counts are twins exactly of the model, in italics with those of its heirs. */
export function ModelTree({ models, counts, filter, chosen, onChoose }: ListProps): ReactNode {
  const [closed, setClosed] = useState<ReadonlySet<string>>(new Set())
  const parts = useMemo(() => partsOf(models, counts), [models, counts])
  const nodes = useMemo(() => {
    const open = new Set([...allKeys(models)].filter((key) => !closed.has(key)))
    const matches = matcher(models, filter)
    return treeOf(models, open, (id) => matches(id) && !parts.has(id))
  }, [models, closed, filter, parts])
  const keyOf = (id: string | undefined): string | undefined => nodes.find((node) => node.id === id)?.key
  const rows = nodes.map((node): TreeRow => {
    const own = counts?.own.get(node.id) ?? 0
    const within = node.hasChildren ? countWithin(models, counts, node.id) : own
    return {
      id: node.key, depth: node.depth, open: node.hasChildren ? !closed.has(node.key) : undefined,
      content: (
        <>
          <MarkIcon look={lookOf(models, node.id)} size={12} />
          <span className={models.get(node.id)?.decommissioned ? 'cut models-gone' : 'cut'}>{models.name(node.id)}</span>
          {node.again && <span className="tag">{t('models.again')}</span>}
          <span className="grow" />
          {own > 0 && <span className="num secondary">{formatNumber(own)}</span>}
          {within > own && <i className="num hint">{formatNumber(within)}</i>}
        </>
      ),
    }
  })
  const idOf = (key: string): string => nodes.find((node) => node.key === key)?.id ?? key
  const shownParts = sortedByName(models, [...parts].filter(matcher(models, filter)))
  return (
    <>
      <Tree label={t('screens.models')} rows={rows} chosen={keyOf(chosen)} testId="models.tree"
        onChoose={(key) => { onChoose(idOf(key)) }}
        onToggle={(key) => { setClosed((before) => { const next = new Set(before); if (!next.delete(key)) next.add(key); return next }) }} />
      {shownParts.length > 0 && (
        <section className="models-parts" aria-label={t('models.parts')} data-testid="models.parts">
          <h3>{t('models.parts')}</h3>
          {shownParts.map((id) => <button key={id} type="button" className="chip" {...(id === chosen && { 'aria-current': 'true' as const })} onClick={() => { onChoose(id) }}><MarkIcon look={lookOf(models, id)} /><span className="cut">{models.name(id)}</span></button>)}
        </section>
      )}
    </>
  )
}

/** All models in a table. */
export function ModelList({ models, counts, filter, chosen, onChoose }: ListProps): ReactNode {
  const rows = useMemo(() => sortedByName(models, models.all.map((model) => model.id).filter(matcher(models, filter))), [models, filter])
  const columns: readonly Column<string>[] = [
    { key: 'name', title: t('models.name'), width: 240, cell: (id) => <span className="row"><MarkIcon look={lookOf(models, id)} size={12} /><span className="cut">{models.name(id)}</span></span> },
    { key: 'twins', title: t('models.twins'), width: 90, align: 'right', cell: (id) => formatNumber(counts?.own.get(id) ?? 0) },
    { key: 'contents', title: t('models.contents'), width: 100, align: 'right', cell: (id) => models.get(id)?.contents.length ?? 0 },
    { key: 'version', title: t('models.dtdl'), width: 70, align: 'right', cell: (id) => models.get(id)?.dtdlVersion ?? '' },
    { key: 'state', title: '', width: 130, cell: (id) => (models.get(id)?.decommissioned ? <span className="tag warn">{t('models.decommissioned')}</span> : null) },
    { key: 'id', title: t('models.id'), width: 300, cell: (id) => <code>{id}</code> },
  ]
  return <Table label={t('screens.models')} columns={columns} rows={rows} keyOf={(id) => id} chosen={chosen} onChoose={onChoose} testId="models.list" />
}
