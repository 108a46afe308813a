import { type ReactNode, useState } from 'react'
import { t } from '@/text/text'
import { DownIcon, RightIcon } from '@/ui/icons'

/** The heading of a group that folds; kept open or closed while the page is. */
export function Section({ title, note, dirty = false, initial = true, testId, children }: { title: string; note?: string; dirty?: boolean; initial?: boolean; testId?: string; children: ReactNode }): ReactNode {
  const [open, setOpen] = useState(initial)
  return (
    <section className="in-group" data-testid={testId}>
      <h3 className="in-group-head">
        <button type="button" className="in-group-button" aria-expanded={open} onClick={() => { setOpen(!open) }}>
          {open ? <DownIcon size={14} aria-hidden /> : <RightIcon size={14} aria-hidden />}
          <span>{title}</span>{note !== undefined && <span className="in-group-note">{`· ${note}`}</span>}
          {dirty && <span className="in-dirty" title={t('values.edited')} />}
        </button>
      </h3>
      {open && children}
    </section>
  )
}
