/** What is chosen in a table, and how it is copied. */
import { copyText } from '@/ui/copy'
import { type ResultColumn, type ResultRow, shown, valueOf } from './columns'
import { toCsv, toJson, toTsv } from './export'

/** The rows between two, both of them included. */
export function rangeBetween(rows: readonly ResultRow[], one: string, other: string): ReadonlySet<string> {
  const a = rows.findIndex((row) => row.key === one)
  const b = rows.findIndex((row) => row.key === other)
  if (a < 0 || b < 0) return new Set([other])
  return new Set(rows.slice(Math.min(a, b), Math.max(a, b) + 1).map((row) => row.key))
}

export function copyOf(form: 'cell' | 'row' | 'tsv' | 'csv' | 'json', rows: readonly ResultRow[], columns: readonly ResultColumn[], picked: ReadonlySet<string>, active: { readonly key: string; readonly column: string }): void {
  const here = rows.find((row) => row.key === active.key)
  const chosen = rows.filter((row) => picked.has(row.key))
  const list = chosen.length > 0 ? chosen : here ? [here] : []
  const column = columns.find((each) => each.key === active.column)
  const text = form === 'cell' ? (here && column ? shown(valueOf(here.value, column.key), 'text', 0) : '')
    : form === 'row' ? toJson(here ? [here] : []).slice(1, -1).trim()
      : form === 'tsv' ? toTsv(list, columns) : form === 'csv' ? toCsv(list, columns) : toJson(list)
  void copyText(text)
}
