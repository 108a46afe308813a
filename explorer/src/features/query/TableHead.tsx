import { type CSSProperties, type PointerEvent, type ReactNode, useRef } from 'react'
import { t } from '@/text/text'
import { DownIcon } from '@/ui/icons'
import { Menu, type MenuItem } from '@/ui/menu'
import { MODEL, type ResultColumn } from './columns'
import type { TableState } from './useTable'

interface HeadProps {
  readonly column: ResultColumn
  readonly table: TableState
  readonly style: CSSProperties
  readonly className: string
}

const STEP = 40

function titleOf({ key }: ResultColumn): string { return key === MODEL ? '$model' : key }

function itemsOf(column: ResultColumn, table: TableState): MenuItem[] {
  const { key } = column
  return [
    { text: t('query.sort-up'), run: () => { table.setSort({ key, down: false }) } },
    { text: t('query.sort-down'), run: () => { table.setSort({ key, down: true }) } },
    ...(table.isSorted ? [{ text: t('query.sort-none'), run: () => { table.setSort(undefined) } }] : []),
    { kind: 'line' },
    { kind: 'check', text: t('query.pin'), on: table.pinned.has(key), run: () => { table.toggle('pinned', key) } },
    ...(column.kind === 'number' ? [{ kind: 'check' as const, text: t('query.bars'), on: table.bars.has(key), testId: `query.table.bars.${key}`, run: () => { table.toggle('bars', key) } }] : []),
    { text: t('query.wider'), run: () => { table.setWidth(key, column.width + STEP) } },
    { text: t('query.narrower'), run: () => { table.setWidth(key, column.width - STEP) } },
    { kind: 'line' },
    { text: t('query.hide'), run: () => { table.toggle('hidden', key) } },
    ...table.hidden.map((each) => ({ text: t('query.show', { name: each.key }), run: () => { table.toggle('hidden', each.key) } })),
  ]
}

/** The head of a column: its name sorts, its menu does the rest, its edge resizes. */
export function TableHead({ column, table, style, className }: HeadProps): ReactNode {
  const began = useRef<{ x: number; width: number }>(undefined)
  const sorted = table.sort?.key === column.key ? table.sort : undefined
  // What the query ordered is turned round first; what was sorted here goes through both ways and back.
  const next = sorted && !table.isSorted ? { key: column.key, down: !sorted.down } : !sorted ? { key: column.key, down: column.kind === 'number' } : sorted.down === (column.kind === 'number') ? { key: column.key, down: !sorted.down } : undefined
  const drag = {
    onPointerDown: (event: PointerEvent) => { event.stopPropagation(); event.currentTarget.setPointerCapture(event.pointerId); began.current = { x: event.clientX, width: column.width } },
    onPointerMove: (event: PointerEvent) => { if (began.current) table.setWidth(column.key, began.current.width + event.clientX - began.current.x) },
    onPointerUp: () => { began.current = undefined },
    onDoubleClick: () => { table.setWidth(column.key, undefined) },
  }
  return (
    <div role="columnheader" className={`${className} query-head`} style={style} {...(sorted && { 'aria-sort': sorted.down ? 'descending' as const : 'ascending' as const })}>
      <button type="button" className="cell-sort cut" title={column.key} onClick={() => { table.setSort(next) }} data-testid={`query.table.head.${column.key}`}>
        {titleOf(column)}{sorted !== undefined && <span className="query-sorted" aria-hidden>{sorted.down ? '↓' : '↑'}</span>}
      </button>
      <Menu items={itemsOf(column, table)} trigger={<button type="button" className="query-head-menu" aria-label={t('query.column', { name: column.key })} data-testid={`query.table.menu.${column.key}`}><DownIcon size={12} aria-hidden /></button>} />
      <span className="query-resize" aria-hidden {...drag} />
    </div>
  )
}
