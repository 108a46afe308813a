import type { ReactNode } from 'react'
import type { ApiError } from '@/api/errors'
import { type Repair, repairOf, warned } from '@/lang/repair'
import type { Statement } from '@/lang/tokens'
import { t } from '@/text/text'
import { Button, IconButton } from '@/ui/button'
import { CloseIcon, ErrorIcon, FindIcon, WarnIcon } from '@/ui/icons'

interface ErrorBarProps {
  readonly error: ApiError | undefined
  readonly warnings: readonly string[]
  /** What the server was asked, as it stands in the editor. */
  readonly statement: Statement
  readonly onRepair: (repair: Repair) => void
  readonly onGo: (from: number, to: number) => void
  readonly onClose: () => void
}

function nameOf(repair: Repair): string {
  if (repair.kind === 'close') return t('query.repair-close', { sign: repair.insert })
  if (repair.kind === 'insert') return t('query.repair-insert', { word: repair.insert.trim() })
  return t('query.repair', { old: repair.old, word: repair.insert })
}

/** What is wrong with the text, below the editor, with its cure as a button. */
export function ErrorBar({ error, warnings, statement, onRepair, onGo, onClose }: ErrorBarProps): ReactNode {
  const { text, start } = statement
  const shift = (repair: Repair | undefined): Repair | undefined => repair && { ...repair, from: repair.from + start, to: repair.to + start }
  if (error) {
    const [detail] = error.details
    const place = detail?.line === undefined ? undefined : { line: detail.line, column: detail.column ?? 0, length: detail.length ?? 1 }
    const repair = place && detail ? shift(repairOf(text, detail.message, place)) : undefined
    return (
      <div className="query-error" role="alert" data-testid="query.error">
        <ErrorIcon size={14} aria-hidden />
        <span className="query-error-text">{detail?.message ?? error.message}</span>
        {place && <span className="secondary num">{t('query.place', { line: place.line, column: place.column + 1 })}</span>}
        <span className="grow" />
        {repair && <Button look="danger" onClick={() => { onRepair(repair) }} data-testid="query.repair">{nameOf(repair)}</Button>}
        <IconButton icon={CloseIcon} label={t('ui.close')} onClick={onClose} />
      </div>
    )
  }
  return warnings.map((warning) => {
    const place = warned(text, warning)
    const repair = shift(place?.repair)
    return (
      <div key={warning} className="query-error warn" role="status" data-testid="query.warning">
        <WarnIcon size={14} aria-hidden />
        <span className="query-error-text">{warning}</span>
        <span className="grow" />
        {place && !repair && <IconButton icon={FindIcon} label={t('query.go')} onClick={() => { onGo(place.from + start, place.to + start) }} />}
        {repair && <Button onClick={() => { onRepair(repair) }} data-testid="query.repair">{nameOf(repair)}</Button>}
      </div>
    )
  })
}
