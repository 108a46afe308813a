import { useVirtualizer } from '@tanstack/react-virtual'
import { type CSSProperties, type KeyboardEvent, memo, type MouseEvent, type ReactNode, useEffect, useMemo, useRef, useState } from 'react'
import type { Models } from '@/dtdl/models'
import { useModels } from '@/state/graph'
import { t } from '@/text/text'
import { MenuAt, type MenuItem } from '@/ui/menu'
import { Cell } from './Cell'
import { type ResultColumn, type ResultRow, valueOf } from './columns'
import { copyOf, rangeBetween } from './choosing'
import { TableHead } from './TableHead'
import type { TableState } from './useTable'

const ROW = 30
const NEAR_END = 40
/** Up to so many columns all are in the page. */
const MOST_COLUMNS = 30

interface ResultTableProps {
  readonly table: TableState
  readonly chosen: string | undefined
  readonly onChoose: (row: ResultRow) => void
  readonly onOpen: (row: ResultRow) => void
  readonly onEnd: () => void
  readonly hrefOf: (id: string) => string
  /** What else can be done with a row. */
  readonly acts: (row: ResultRow) => readonly MenuItem[]
}

interface Track { readonly style: CSSProperties; readonly className: string }

function tracksOf(columns: readonly ResultColumn[], pinned: ReadonlySet<string>): readonly Track[] {
  let left = 0
  return columns.map((column, index) => {
    const right = column.kind === 'number' ? ' right num' : ''
    const isPinned = pinned.has(column.key)
    const track = { style: { gridColumn: index + 1, ...(isPinned && { left }) }, className: `cell${right}${isPinned ? ' query-pinned' : ''}` }
    left += column.width
    return track
  })
}

/** Text in the last column takes what is left; a number there would be far from the others. */
function lastWide(columns: readonly ResultColumn[]): string {
  const widths = columns.map((column) => `${column.width}px`)
  const last = columns.at(-1)
  return last && last.kind !== 'number' && last.kind !== 'boolean' ? [...widths.slice(0, -1), `minmax(${last.width}px, 1fr)`].join(' ') : [...widths, 'minmax(0, 1fr)'].join(' ')
}

interface RowCalls {
  readonly choose: (row: ResultRow, column: string, event: MouseEvent) => void
  readonly open: (row: ResultRow) => void
  readonly menu: (event: MouseEvent, row: ResultRow, column: string) => void
  readonly hrefOf: (id: string) => string
}

interface RowProps {
  readonly row: ResultRow
  readonly index: number
  readonly start: number
  readonly columns: readonly ResultColumn[]
  readonly tracks: readonly Track[]
  readonly template: string
  /** Indexes of the columns that are in the page; empty: all. */
  readonly seen: string
  readonly bars: TableState['bars']
  readonly models: Models
  readonly picked: boolean
  readonly active: string | undefined
  /** Stays the same from one render to the next, so that rows which are there already are left alone while one scrolls. */
  readonly calls: { readonly current: RowCalls }
}

function seenBy(seen: string): (index: number) => boolean {
  const indexes = new Set(seen.split(' '))
  return (index) => seen === '' || indexes.has(String(index))
}

const TableRow = memo(function TableRow({ row, index: at, start, columns, tracks, template, seen, bars, models, picked, active, calls }: RowProps): ReactNode {
  const isSeen = seenBy(seen)
  return (
    <div role="row" aria-rowindex={at + 2} aria-selected={picked} className={`table-row${row.mark === undefined ? '' : ` query-row-${row.mark}`}`} style={{ transform: `translateY(${start}px)`, height: ROW, gridTemplateColumns: template }} data-testid={`query.table.row.${at}`}>
      {columns.map((column, index) => (isSeen(index) ? (
        <div key={column.key} role="gridcell" className={`${tracks[index]?.className ?? ''}${row.changed?.has(column.key) === true ? ' query-changed' : ''}${column.key === active ? ' query-active' : ''}`} style={tracks[index]?.style}
          onMouseDown={(event) => { if (event.shiftKey) event.preventDefault() }} onClick={(event) => { calls.current.choose(row, column.key, event) }}
          onDoubleClick={() => { calls.current.open(row) }} onContextMenu={(event) => { calls.current.menu(event, row, column.key) }}>
          <Cell column={column} value={valueOf(row.value, column.key)} models={models} hrefOf={calls.current.hrefOf} range={bars.get(column.key)} />
        </div>
      ) : null))}
    </div>
  )
})

/** A result as a table of which only what is seen is in the page. */
export function ResultTable({ table, chosen, onChoose, onOpen, onEnd, hrefOf, acts }: ResultTableProps): ReactNode {
  const { columns, rows, pinned, bars } = table
  const scroller = useRef<HTMLDivElement>(null)
  const models = useModels()
  const [picked, setPicked] = useState<ReadonlySet<string>>(new Set())
  const [active, setActive] = useState({ key: '', column: '' })
  const [menu, setMenu] = useState<{ x: number; y: number; row: ResultRow }>()
  const virtual = useVirtualizer({ count: rows.length, getScrollElement: () => scroller.current, estimateSize: () => ROW, overscan: 10 })
  const across = useVirtualizer({ horizontal: true, count: columns.length, getScrollElement: () => scroller.current, estimateSize: (index) => columns[index]?.width ?? 120, overscan: 4, enabled: columns.length > MOST_COLUMNS })
  useEffect(() => { across.measure() }, [across, columns])
  const items = virtual.getVirtualItems()
  const last = items.at(-1)?.index ?? -1
  useEffect(() => { if (last >= rows.length - NEAR_END) onEnd() }, [last, rows.length, onEnd])
  const tracks = useMemo(() => tracksOf(columns, pinned), [columns, pinned])
  const template = lastWide(columns)
  const width = columns.reduce((sum, column) => sum + column.width, 0)
  const seenKey = columns.length > MOST_COLUMNS ? columns.flatMap((column, index) => (pinned.has(column.key) || across.getVirtualItems().some((item) => item.index === index) ? [index] : [])).join(' ') : ''
  const isSeen = seenBy(seenKey)

  const choose = (row: ResultRow, column: string, event?: { shiftKey: boolean; ctrlKey: boolean; metaKey: boolean }): void => {
    if (event?.shiftKey === true) setPicked(rangeBetween(rows, active.key, row.key))
    else if (event && (event.ctrlKey || event.metaKey)) setPicked((before) => new Set(before.has(row.key) ? [...before].filter((key) => key !== row.key) : [...before, row.key]))
    else { setPicked(new Set([row.key])); onChoose(row) }
    setActive({ key: row.key, column })
  }
  const copies = (form: 'cell' | 'row' | 'tsv' | 'csv' | 'json'): void => { copyOf(form, rows, columns, picked, active) }

  const onKey = (event: KeyboardEvent): void => {
    if (event.target !== event.currentTarget) return
    const at = rows.findIndex((row) => row.key === active.key)
    const next = event.key === 'ArrowDown' ? at + 1 : event.key === 'ArrowUp' ? at - 1 : event.key === 'PageDown' ? at + 20 : event.key === 'PageUp' ? at - 20 : event.key === 'Home' ? 0 : event.key === 'End' ? rows.length - 1 : undefined
    if ((event.ctrlKey || event.metaKey) && event.key === 'c') { event.preventDefault(); copies(picked.size > 1 ? 'tsv' : 'cell'); return }
    if (event.key === 'ArrowLeft' || event.key === 'ArrowRight') {
      const column = columns[Math.min(columns.length - 1, Math.max(0, columns.findIndex((each) => each.key === active.column) + (event.key === 'ArrowRight' ? 1 : -1)))]
      event.preventDefault()
      setActive({ key: active.key, column: column?.key ?? '' })
      return
    }
    const row = next === undefined ? rows[at] : rows[Math.min(rows.length - 1, Math.max(0, next))]
    if (!row) return
    if (next !== undefined) { event.preventDefault(); virtual.scrollToIndex(Math.min(rows.length - 1, Math.max(0, next))); choose(row, active.column || (columns[0]?.key ?? ''), { shiftKey: event.shiftKey, ctrlKey: false, metaKey: false }) } else if (event.key === 'Enter') onOpen(row)
  }

  const menuItems = (row: ResultRow): MenuItem[] => [
    ...acts(row), ...(acts(row).length > 0 ? [{ kind: 'line' as const }] : []),
    { text: t('query.copy-cell'), keys: 'Ctrl C', run: () => { copies('cell') } }, { text: t('query.copy-row'), run: () => { copies('row') } },
    { kind: 'group', text: t('query.copy-rows', { n: Math.max(1, picked.size) }) },
    { text: t('query.copy-tsv'), run: () => { copies('tsv') } }, { text: t('query.copy-csv'), run: () => { copies('csv') } }, { text: t('query.copy-json'), run: () => { copies('json') } },
  ]
  const openMenu = (event: MouseEvent, row: ResultRow, column: string): void => {
    event.preventDefault()
    if (!picked.has(row.key)) choose(row, column)
    else setActive({ key: row.key, column })
    setMenu({ x: event.clientX, y: event.clientY, row })
  }

  const calls = useRef<RowCalls>({ choose, open: onOpen, menu: openMenu, hrefOf })
  calls.current = { choose, open: onOpen, menu: openMenu, hrefOf }

  return (
    <div className="table scroll query-table" ref={scroller} role="grid" aria-label={t('query.rows-label')} aria-rowcount={rows.length + 1} aria-colcount={columns.length} aria-multiselectable tabIndex={0} onKeyDown={onKey} data-testid="query.table">
      <div className="query-heads" style={{ minWidth: width }}>
        <div className="table-head" role="row" style={{ gridTemplateColumns: template }}>
          {columns.map((column, index) => (isSeen(index) ? <TableHead key={column.key} column={column} table={table} style={tracks[index]?.style ?? {}} className={tracks[index]?.className ?? ''} /> : null))}
        </div>
        {table.filtering && (
          <div className="query-filters" role="row" style={{ gridTemplateColumns: template }}>
            {columns.map((column, index) => (isSeen(index) ? (
              <div key={column.key} role="gridcell" className={tracks[index]?.className ?? ''} style={tracks[index]?.style ?? {}}>
                <input className="input" aria-label={t('query.filter-column', { name: column.key })} placeholder={column.kind === 'number' ? t('query.filter-number') : t('query.filter-text')} value={table.filters[column.key] ?? ''} onChange={(event) => { table.setFilter(column.key, event.target.value) }} data-testid={`query.table.filter.${column.key}`} />
              </div>
            ) : null))}
          </div>
        )}
      </div>
      <div role="rowgroup" className="table-body" style={{ height: virtual.getTotalSize(), minWidth: width }}>
        {items.map((item) => {
          const row = rows[item.index]
          return row && (
            <TableRow key={row.key} row={row} index={item.index} start={item.start} columns={columns} tracks={tracks} template={template} seen={seenKey} bars={bars} models={models}
              picked={picked.has(row.key) || row.key === chosen} active={row.key === active.key ? active.column : undefined} calls={calls} />
          )
        })}
      </div>
      <MenuAt at={menu} items={menu ? menuItems(menu.row) : []} onClose={() => { setMenu(undefined) }} />
    </div>
  )
}
