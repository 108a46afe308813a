/** A table of which only what is seen is in the page: 100,000 rows scroll (design 6.2). */
import { useVirtualizer } from '@tanstack/react-virtual'
import { type KeyboardEvent, type ReactNode, useEffect, useRef } from 'react'

export interface Column<Row> {
  readonly key: string
  readonly title: ReactNode
  readonly width: number
  readonly align?: 'left' | 'right'
  readonly sort?: 'up' | 'down' | undefined
  readonly onSort?: () => void
  readonly cell: (row: Row, index: number) => ReactNode
}

interface TableProps<Row> {
  readonly label: string
  readonly columns: readonly Column<Row>[]
  readonly rows: readonly Row[]
  readonly keyOf: (row: Row, index: number) => string
  readonly chosen?: string | undefined
  readonly onChoose?: (row: Row, index: number) => void
  readonly onOpen?: (row: Row, index: number) => void
  /** Called when the end comes near, for the next page. */
  readonly onEnd?: () => void
  readonly rowHeight?: number
  readonly rowClass?: (row: Row) => string
  readonly testId?: string
}

export function Table<Row>({ label, columns, rows, keyOf, chosen, onChoose, onOpen, onEnd, rowHeight = 30, rowClass, testId }: TableProps<Row>): ReactNode {
  const scroller = useRef<HTMLDivElement>(null)
  const virtual = useVirtualizer({ count: rows.length, getScrollElement: () => scroller.current, estimateSize: () => rowHeight, overscan: 12 })
  const items = virtual.getVirtualItems()
  const last = items.at(-1)?.index ?? -1
  useEffect(() => { if (last >= rows.length - 20) onEnd?.() }, [last, rows.length, onEnd])
  const width = columns.reduce((sum, each) => sum + each.width, 0)
  const template = columns.map((each, index) => (index === columns.length - 1 ? `minmax(${each.width}px, 1fr)` : `${each.width}px`)).join(' ')
  const at = rows.findIndex((row, index) => keyOf(row, index) === chosen)

  const onKey = (event: KeyboardEvent): void => {
    const next = event.key === 'ArrowDown' ? at + 1 : event.key === 'ArrowUp' ? at - 1 : event.key === 'Home' ? 0 : event.key === 'End' ? rows.length - 1 : undefined
    const row = next === undefined ? rows[at] : rows[next]
    if (row === undefined) return
    if (next !== undefined) { event.preventDefault(); virtual.scrollToIndex(next); onChoose?.(row, next) } else if (event.key === 'Enter') onOpen?.(row, at)
  }

  return (
    <div className="table scroll" ref={scroller} role="grid" aria-label={label} aria-rowcount={rows.length + 1} tabIndex={0} onKeyDown={onKey} data-testid={testId}>
      <div className="table-head" role="row" style={{ gridTemplateColumns: template, minWidth: width }}>
        {columns.map((column) => (
          <div key={column.key} role="columnheader" className={column.align === 'right' ? 'cell right' : 'cell'} {...(column.sort && { 'aria-sort': column.sort === 'up' ? 'ascending' as const : 'descending' as const })}>
            {column.onSort ? <button type="button" className="cell-sort" onClick={column.onSort}>{column.title}{column.sort !== undefined && <span aria-hidden>{column.sort === 'up' ? ' ↑' : ' ↓'}</span>}</button> : column.title}
          </div>
        ))}
      </div>
      <div role="rowgroup" className="table-body" style={{ height: virtual.getTotalSize(), minWidth: width }}>
        {items.map((item) => {
          const row = rows[item.index]
          if (row === undefined) return null
          const key = keyOf(row, item.index)
          return (
            <div key={key} role="row" aria-rowindex={item.index + 2} aria-selected={key === chosen} className={`table-row ${rowClass?.(row) ?? ''}`} style={{ transform: `translateY(${item.start}px)`, height: rowHeight, gridTemplateColumns: template }}
              onClick={() => { onChoose?.(row, item.index) }} onDoubleClick={() => { onOpen?.(row, item.index) }} data-testid={testId === undefined ? undefined : `${testId}.row.${key}`}>
              {columns.map((column) => <div key={column.key} role="gridcell" className={column.align === 'right' ? 'cell right num' : 'cell'}>{column.cell(row, item.index)}</div>)}
            </div>
          )
        })}
      </div>
    </div>
  )
}
