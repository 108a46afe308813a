/** Rows as text: CSV for spreadsheets, tab-separated for pasting, JSON for programs. */
import { type Json, writeJson } from '@/api/json'
import { type ResultColumn, type ResultRow, valueOf } from './columns'

function plain(value: Json | undefined): string {
  if (value === undefined || value === null) return ''
  return typeof value === 'string' ? value : writeJson(value)
}

function csvCell(text: string): string { return /[",\r\n]|^\s|\s$/.test(text) ? `"${text.replaceAll('"', '""')}"` : text }

/** RFC 4180, with a line of names. */
export function toCsv(rows: readonly ResultRow[], columns: readonly ResultColumn[]): string {
  const lines = [columns.map((column) => csvCell(column.key)), ...rows.map((row) => columns.map((column) => csvCell(plain(valueOf(row.value, column.key)))))]
  return lines.map((cells) => `${cells.join(',')}\r\n`).join('')
}

/** What spreadsheets take from the clipboard: breaks and tabs inside a value become blanks. */
export function toTsv(rows: readonly ResultRow[], columns: readonly ResultColumn[], names = true): string {
  const lines = rows.map((row) => columns.map((column) => plain(valueOf(row.value, column.key)).replace(/[\t\r\n]+/g, ' ')).join('\t'))
  return [...(names ? [columns.map((column) => column.key).join('\t')] : []), ...lines].join('\n')
}

export function toJson(rows: readonly ResultRow[]): string { return writeJson(rows.map((row) => row.value), 2) }
