/** How a result's table looks: order, filters, widths, which columns; and which rows are chosen. */
import { useCallback, useMemo, useState } from 'react'
import { compare, numberOf, passes, type ResultColumn, type ResultRow, valueOf } from './columns'
import { ExactNumber } from '@/api/json'

export interface Sort { readonly key: string; readonly down: boolean }

export interface TableState {
  readonly columns: readonly ResultColumn[]
  readonly hidden: readonly ResultColumn[]
  readonly rows: readonly ResultRow[]
  readonly sort: Sort | undefined
  /** Whether rows were sorted here. */
  readonly isSorted: boolean
  readonly filters: Readonly<Record<string, string>>
  readonly filtering: boolean
  readonly pinned: ReadonlySet<string>
  readonly bars: ReadonlyMap<string, readonly [number, number]>
  readonly setSort: (sort: Sort | undefined) => void
  readonly setFilter: (key: string, text: string) => void
  readonly setFiltering: (on: boolean) => void
  readonly setWidth: (key: string, width: number | undefined) => void
  readonly toggle: (what: 'hidden' | 'pinned' | 'bars', key: string) => void
}

type Flags = Readonly<Record<'hidden' | 'pinned' | 'bars', Readonly<Record<string, boolean>>>>

export const NARROWEST = 56

/** How rows lie that nobody sorted here: as the query says. Live rows come in no order and are sorted so. */
export interface GivenOrder { readonly sort: Sort | undefined; readonly isDone: boolean }

export function useTable(all: readonly ResultColumn[], rows: readonly ResultRow[], given: GivenOrder): TableState {
  const [chosen, setSort] = useState<Sort>()
  const sort = chosen ?? given.sort
  const isDone = chosen === undefined && given.isDone
  const [filters, setFilters] = useState<Readonly<Record<string, string>>>({})
  const [filtering, setFiltering] = useState(false)
  const [widths, setWidths] = useState<Readonly<Record<string, number | undefined>>>({})
  const [flags, setFlags] = useState<Flags>({ hidden: {}, pinned: {}, bars: {} })

  const { columns, hidden, pinned } = useMemo(() => {
    const sized = all.map((column) => ({ ...column, width: widths[column.key] ?? column.width }))
    const isHidden = (column: ResultColumn): boolean => flags.hidden[column.key] ?? column.quiet
    const isPinned = (column: ResultColumn): boolean => flags.pinned[column.key] ?? false
    const seen = sized.filter((column) => !isHidden(column))
    return {
      columns: [...seen.filter(isPinned), ...seen.filter((column) => !isPinned(column))],
      hidden: sized.filter(isHidden),
      pinned: new Set(seen.filter(isPinned).map((column) => column.key)),
    }
  }, [all, widths, flags])

  const shownRows = useMemo(() => {
    const wanted = filtering ? Object.entries(filters).filter(([, text]) => text.trim() !== '') : []
    const byKey = new Map(all.map((column) => [column.key, column]))
    const left = wanted.length === 0 ? rows : rows.filter((row) => wanted.every(([key, text]) => {
      const column = byKey.get(key)
      return !column || passes(valueOf(row.value, key), text, column)
    }))
    if (!sort || isDone) return left
    const sign = sort.down ? -1 : 1
    return [...left].sort((a, b) => sign * compare(valueOf(a.value, sort.key), valueOf(b.value, sort.key)))
  }, [all, rows, filters, filtering, sort, isDone])

  const bars = useMemo(() => new Map(columns.filter((column) => flags.bars[column.key] === true).map((column) => [column.key, rangeOf(rows, column.key)] as const)), [columns, flags, rows])

  const setFilter = useCallback((key: string, text: string) => { setFilters((before) => ({ ...before, [key]: text })) }, [])
  const setWidth = useCallback((key: string, width: number | undefined) => { setWidths((before) => ({ ...before, [key]: width === undefined ? undefined : Math.max(NARROWEST, Math.round(width)) })) }, [])
  const toggle = useCallback((what: 'hidden' | 'pinned' | 'bars', key: string) => {
    setFlags((before) => ({ ...before, [what]: { ...before[what], [key]: !(before[what][key] ?? (what === 'hidden' && all.some((column) => column.key === key && column.quiet))) } }))
  }, [all])
  return { columns, hidden, rows: shownRows, sort, isSorted: chosen !== undefined, filters, filtering, pinned, bars, setSort, setFilter, setFiltering, setWidth, toggle }
}

function rangeOf(rows: readonly ResultRow[], key: string): readonly [number, number] {
  let low = Infinity
  let high = -Infinity
  for (const row of rows) {
    const value = row.value[key]
    if (typeof value !== 'number' && !(value instanceof ExactNumber)) continue
    low = Math.min(low, numberOf(value))
    high = Math.max(high, numberOf(value))
  }
  // A bar begins at nought where all values lie on one side of it and not far away.
  return [low > 0 && low < (high - low) * 2 ? 0 : low - (high - low) * 0.1, high]
}
