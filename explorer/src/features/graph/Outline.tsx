import { type DragEvent, type ReactNode, useMemo, useState } from 'react'
import { NO_MODELS } from '@/dtdl/models'
import { attempt } from '@/parts/undoable'
import { useGraph, useMay, useModelsQuery } from '@/state/graph'
import { lookOf } from '@/state/looks'
import { formatSelection } from '@/state/url'
import { formatNumber, t } from '@/text/text'
import { HideIcon, PinIcon, ShowIcon } from '@/ui/icons'
import { MenuAt, type MenuItem } from '@/ui/menu'
import { MarkIcon } from '@/ui/mark'
import { Tree, type TreeRow } from '@/ui/tree'
import { act, useScreen } from './store'
import { Forest, movesOf, moveTwin, type Move } from './rows'
import { useView } from './view'

interface Dropped { readonly id: string; readonly to: string; readonly x: number; readonly y: number }

/** The forest as a tree: what lies in what, with an eye and a pin; a row dragged onto another moves the twin there. */
export default function Outline(): ReactNode {
  const view = useView()
  const graph = useGraph()
  const models = useModelsQuery().data ?? NO_MODELS
  const may = useMay()
  const { picture, structure, state } = useScreen()
  const [open, setOpen] = useState<ReadonlySet<string>>()
  const [sought, setSought] = useState('')
  const [dropped, setDropped] = useState<Dropped>()
  const forest = useMemo(() => (picture ? new Forest(picture) : undefined), [picture])
  const hidden = useMemo(() => new Set(state.hidden), [state.hidden])
  const pinned = useMemo(() => new Set(state.pinned), [state.pinned])
  const chosen = view.selection.at(-1)
  const shown = useMemo(() => forest?.rows(open ?? forest.opened(2), sought, chosen) ?? [], [forest, open, sought, chosen])
  if (!forest) return null

  const toggle = (id: string): void => {
    const next = new Set(open ?? forest.opened(2))
    if (!next.delete(id)) next.add(id)
    setOpen(next)
  }
  const hide = (id: string): void => { act(t('graph.hidden', { n: 1 }), { hidden: hidden.has(id) ? [...hidden].filter((each) => each !== id) : [...hidden, id] }) }
  const pin = (id: string): void => { act(t('graph.pinned'), { pinned: pinned.has(id) ? [...pinned].filter((each) => each !== id) : [...pinned, id] }) }
  const mayMove = may('digitaltwins/relationships/write') && may('digitaltwins/relationships/delete')
  const rows = shown.map((row): TreeRow => {
    const node = structure.nodes.get(row.id)
    const label = node?.label ?? row.id
    return {
      id: row.id, depth: row.depth, open: row.open,
      content: (
        <span className={hidden.has(row.id) ? 'row grow outline-row off' : 'row grow outline-row'} draggable={mayMove}
          onDragStart={(event) => { event.dataTransfer.setData('text/kastor-twin', row.id); event.dataTransfer.setData('text/plain', row.id); event.dataTransfer.effectAllowed = 'linkMove' }}
          onDragOver={(event) => { if (mayMove && event.dataTransfer.types.includes('text/kastor-twin')) event.preventDefault() }}
          onDrop={(event: DragEvent) => { event.preventDefault(); const id = event.dataTransfer.getData('text/kastor-twin'); if (id !== '' && id !== row.id) setDropped({ id, to: row.id, x: event.clientX, y: event.clientY }) }}>
          <MarkIcon look={lookOf(models, node?.model ?? '', state.slots)} />
          <span className="cut grow">{label}</span>
          {row.count > 0 && <span className="hint num">{formatNumber(row.count)}</span>}
          <RowButton icon={PinIcon} label={t('graph.pin')} on={pinned.has(row.id)} onAct={() => { pin(row.id) }} />
          <RowButton icon={hidden.has(row.id) ? HideIcon : ShowIcon} label={hidden.has(row.id) ? t('graph.show') : t('graph.hide')} on={hidden.has(row.id)} onAct={() => { hide(row.id) }} />
        </span>
      ),
    }
  })
  const items = dropped ? menuItems(movesOf(structure, models, dropped.id, dropped.to), (move) => { void attempt(() => moveTwin(graph.name, move)) }) : []
  return (
    <>
      <div className="outline-head"><input className="input" type="search" value={sought} placeholder={t('graph.outline-find')} aria-label={t('graph.outline-find')} onChange={(event) => { setSought(event.target.value) }} data-testid="graph.outline.find" /></div>
      <Tree label={t('frame.outline')} rows={rows} chosen={chosen} testId="graph.outline" onToggle={toggle}
        onChoose={(id) => { view.going.step({ sel: formatSelection([id]) }) }} onOpen={(id) => { view.going.go({ screen: 'twins', rest: [id] }) }} />
      <MenuAt at={dropped} items={items} onClose={() => { setDropped(undefined) }} />
    </>
  )
}

function menuItems(moves: readonly Move[], run: (move: Move) => void): readonly MenuItem[] {
  if (moves.length === 0) return [{ kind: 'group', text: t('graph.no-move') }]
  return [{ kind: 'group', text: t('graph.move-which') }, ...moves.map((move): MenuItem => ({ text: move.edge ? t('graph.move', { name: move.name }) : t('graph.move-new', { name: move.name }), testId: `graph.move.${move.name}`, run: () => { run(move) } }))]
}

function RowButton({ icon: Icon, label, on, onAct }: { icon: typeof PinIcon; label: string; on: boolean; onAct: () => void }): ReactNode {
  return <button type="button" tabIndex={-1} className={on ? 'outline-act on' : 'outline-act'} aria-label={label} title={label} onClick={(event) => { event.stopPropagation(); onAct() }}><Icon size={12} aria-hidden /></button>
}
