import { useQueryClient } from '@tanstack/react-query'
import { type ReactNode, useMemo, useState } from 'react'
import { asApiError } from '@/api/errors'
import { useGraph, useMay } from '@/state/graph'
import { formatNumber, t } from '@/text/text'
import { Button, IconButton } from '@/ui/button'
import { AddIcon, DeleteIcon, DownIcon, InIcon, OutIcon, RightIcon } from '@/ui/icons'
import { Empty, Failed, Waiting } from '@/ui/states'
import { openDialog } from '@/parts/dialogs'
import { deleteRelationship, useRelated } from '@/parts/relationships'
import { TwinChip } from '@/parts/TwinChip'
import { useTwins } from '@/parts/twins'
import { attempt } from '@/parts/undoable'
import { RelationshipValues } from './RelationshipValues'
import { type Tie, type TieGroup, tieGroups } from './related'

const FIRST = 20
const MORE = 1000

/** Every relationship of a twin by direction and name; its properties are edited in place (design 5.4). */
export function Relationships({ id }: { id: string }): ReactNode {
  const [most, setMost] = useState(500)
  const may = useMay()
  const { data, error, refetch, isPending } = useRelated(id, most)
  const groups = useMemo(() => (data ? tieGroups(data) : []), [data])
  if (error) return <Failed error={asApiError(error)} onRetry={() => { void refetch() }} />
  if (isPending) return <Waiting what={t('inspector.relationships')} />
  const add = may('digitaltwins/relationships/write') && <Button icon={AddIcon} onClick={() => { openDialog({ kind: 'create-relationship', source: id }) }} data-testid="inspector.relationships.add">{t('inspector.add-relationship')}</Button>
  if (groups.length === 0) return <Empty text={t('inspector.no-relationships')} action={add} testId="inspector.relationships.empty" />
  return (
    <div className="in-relationships" data-testid="inspector.relationships">
      {groups.map((group) => <TieSection key={`${group.out}${group.name}`} group={group} />)}
      <div className="row in-foot">
        {add}
        {data?.more === true && <Button look="quiet" onClick={() => { setMost(most + MORE) }}>{t('inspector.more-relationships', { n: most })}</Button>}
      </div>
    </div>
  )
}

function TieSection({ group }: { group: TieGroup }): ReactNode {
  const [open, setOpen] = useState(true)
  const [shown, setShown] = useState(FIRST)
  const ties = group.ties.slice(0, shown)
  useTwins(useMemo(() => group.ties.slice(0, shown).map((tie) => tie.other), [group, shown]))
  const Icon = group.out ? OutIcon : InIcon
  return (
    <section className="in-group" data-testid={`inspector.relationships.${group.out ? 'out' : 'in'}.${group.name}`}>
      <h3 className="in-group-head">
        <button type="button" className="in-group-button" aria-expanded={open} onClick={() => { setOpen(!open) }}>
          {open ? <DownIcon size={14} aria-hidden /> : <RightIcon size={14} aria-hidden />}
          <Icon size={12} aria-label={group.out ? t('inspector.outgoing') : t('inspector.incoming')} /><span className="mono">{group.name}</span><span className="in-group-note num">{formatNumber(group.ties.length)}</span>
        </button>
      </h3>
      {open && ties.map((tie) => <TieRow key={`${tie.source}/${tie.id}`} tie={tie} />)}
      {open && group.ties.length > shown && <Button look="quiet" onClick={() => { setShown(shown + 100) }}>{t('inspector.show-more', { n: group.ties.length - shown })}</Button>}
    </section>
  )
}

function TieRow({ tie }: { tie: Tie }): ReactNode {
  const { name } = useGraph()
  const client = useQueryClient()
  const may = useMay()
  const [open, setOpen] = useState(false)
  const remove = (): void => {
    void attempt(async () => {
      await deleteRelationship(name, tie.source, tie.id)
      await client.invalidateQueries({ queryKey: [name, 'relationships'] })
    })
  }
  return (
    <div className="in-tie-row" data-testid={`inspector.relationship.${tie.source}/${tie.id}`}>
      <div className="in-tie">
        <button type="button" className="ed-fold" aria-expanded={open} aria-label={t('inspector.relationship-properties', { id: tie.id })} onClick={() => { setOpen(!open) }} data-testid={`inspector.relationship.open.${tie.id}`}>{open ? <DownIcon size={14} aria-hidden /> : <RightIcon size={14} aria-hidden />}</button>
        <TwinChip id={tie.other} />
        <span className="grow" />
        {may('digitaltwins/relationships/delete') && <IconButton icon={DeleteIcon} label={t('inspector.delete-relationship')} onClick={remove} data-testid={`inspector.relationship.delete.${tie.id}`} />}
      </div>
      {open && <div className="in-tie-body"><RelationshipValues source={tie.source} id={tie.id} /></div>}
    </div>
  )
}
