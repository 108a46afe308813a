import { type ReactNode, useMemo } from 'react'
import { t } from '@/text/text'
import { Button } from '@/ui/button'
import { saveBlob } from '@/ui/download'
import { DownloadIcon } from '@/ui/icons'
import type { Fault } from './graph'
import type { Report } from './jobs'

const MOST_SHOWN = 500

interface Row { readonly from: string; readonly text: string; readonly error: boolean }

/** What the server says of single lines, with where they stood in the file that was dropped. */
export function Reported({ rows, origins, name }: { rows: readonly Report[]; origins: ReadonlyMap<number, string> | undefined; name: string }): ReactNode {
  const shown = useMemo(() => rows.map((row): Row => ({ from: [row.line === undefined ? '' : origins?.get(row.line) ?? t('io.line', { line: row.line }), row.id].filter((each) => each !== '').join(' · '), text: row.text, error: row.kind === 'Error' })), [rows, origins])
  if (shown.length === 0) return null
  const download = (): void => { saveBlob(reportText(shown), `${name}.report.tsv`, 'text/tab-separated-values') }
  return <Rows title={t('io.report', { n: rows.length })} rows={shown} action={<Button look="quiet" icon={DownloadIcon} onClick={download} data-testid="io.download-report">{t('io.download-report')}</Button>} />
}

/** Rows that could not be read at all: they are not sent. */
export function Unread({ faults, name }: { faults: readonly Fault[]; name: string }): ReactNode {
  if (faults.length === 0) return null
  const rows = faults.map((fault): Row => ({ from: fault.from, text: fault.text, error: true }))
  const download = (): void => { saveBlob(reportText(rows), `${name}.unread.tsv`, 'text/tab-separated-values') }
  return <Rows title={t('io.unread', { n: faults.length })} rows={rows} action={<Button look="quiet" icon={DownloadIcon} onClick={download}>{t('io.download-report')}</Button>} />
}

/** A line for each, which no spreadsheet runs and no separator splits. */
export function reportText(rows: readonly Row[]): string {
  const cell = (text: string): string => text.replaceAll(/\s+/g, ' ').replace(/^(?=[=+\-@])/, "'")
  return rows.map((row) => `${row.error ? 'error' : 'warning'}\t${cell(row.from)}\t${cell(row.text)}\n`).join('')
}

function Rows({ title, rows, action }: { title: string; rows: readonly Row[]; action: ReactNode }): ReactNode {
  return (
    <div className="io-faults" data-testid="io.faults">
      <div className="row"><h3 className="grow">{title}</h3>{action}</div>
      <ul className="scroll" tabIndex={0} aria-label={title}>{rows.slice(0, MOST_SHOWN).map((row, index) => <li key={index}><code>{row.from}</code><span className={row.error ? 'io-error' : 'secondary'}>{row.text}</span></li>)}</ul>
      {rows.length > MOST_SHOWN && <p className="hint">{t('io.first-shown', { n: MOST_SHOWN })}</p>}
    </div>
  )
}
