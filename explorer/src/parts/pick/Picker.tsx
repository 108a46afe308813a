import { type KeyboardEvent, type ReactNode, useId, useState } from 'react'
import { t } from '@/text/text'

export interface PickRow {
  readonly id: string
  readonly text: string
  readonly hint?: string | undefined
  readonly icon?: ReactNode
  readonly depth?: number
  /** Shown, but not to be chosen. */
  readonly blocked?: boolean
}

interface PickerProps {
  readonly label: string
  readonly rows: readonly PickRow[]
  readonly onChoose: (id: string) => void
  readonly chosen?: string | undefined
  /** Asked for every text; without it the rows are filtered here. */
  readonly onSearch?: (text: string) => void
  /** The rows answer what was written before: Enter does not choose of them. */
  readonly isOld?: boolean
  readonly empty?: string
  readonly autoFocus?: boolean
  readonly testId?: string
}

const MOST_SHOWN = 200

function matching(rows: readonly PickRow[], text: string): readonly PickRow[] {
  const wanted = text.trim().toLowerCase()
  if (wanted === '') return rows
  return rows.filter((row) => row.text.toLowerCase().includes(wanted) || row.id.toLowerCase().includes(wanted))
}

/** A field and a list below it: what is written narrows the list, arrows walk it, Enter chooses. */
export function Picker({ label, rows, onChoose, chosen, onSearch, isOld = false, empty, autoFocus = true, testId = 'picker' }: PickerProps): ReactNode {
  const list = useId()
  const [text, setText] = useState('')
  const [at, setAt] = useState(0)
  const shown = (onSearch ? rows : matching(rows, text)).slice(0, MOST_SHOWN)
  const current = shown[Math.min(at, shown.length - 1)]
  const choose = (row: PickRow | undefined): void => { if (row && row.blocked !== true) onChoose(row.id) }
  const onKey = (event: KeyboardEvent): void => {
    const step = event.key === 'ArrowDown' ? 1 : event.key === 'ArrowUp' ? -1 : 0
    if (step !== 0) { event.preventDefault(); setAt(Math.max(0, Math.min(shown.length - 1, at + step))) }
    else if (event.key === 'Enter') { event.preventDefault(); if (!isOld) choose(current) }
  }
  return (
    <div className="picker">
      <input className="input" role="combobox" aria-label={label} aria-expanded aria-controls={list} aria-activedescendant={current && `${list}-${current.id}`} autoFocus={autoFocus} placeholder={t('values.search')}
        value={text} onKeyDown={onKey} onChange={(event) => { setText(event.target.value); setAt(0); onSearch?.(event.target.value) }} data-testid={`${testId}.search`} autoComplete="off" spellCheck={false} />
      <div className="picker-list scroll" role="listbox" id={list} aria-label={label}>
        {shown.map((row) => (
          <div key={row.id} id={`${list}-${row.id}`} role="option" aria-selected={row.id === chosen} aria-disabled={row.blocked === true} className="picker-row" {...(row === current && { 'data-highlighted': true })}
            style={{ paddingLeft: 8 + (row.depth ?? 0) * 14 }} onMouseDown={(event) => { event.preventDefault() }} onClick={() => { choose(row) }} data-testid={`${testId}.row.${row.id}`}>
            {row.icon}<span className="cut grow">{row.text}</span>{row.hint !== undefined && <span className="hint cut">{row.hint}</span>}
          </div>
        ))}
        {shown.length === 0 && <p className="hint picker-empty">{empty ?? t('values.nothing-found')}</p>}
      </div>
    </div>
  )
}
