import './palette.css'
import { Command as List } from 'cmdk'
import { Dialog } from 'radix-ui'
import { type KeyboardEvent, type ReactNode, useEffect, useState } from 'react'
import { t } from '@/text/text'
import { MarkIcon } from '@/ui/mark'
import { SearchIcon } from '@/ui/icons'
import { Keys } from './Keys'
import { showKeys } from './keys'
import type { PaletteState } from './PaletteGate'
import { type Found, useFound } from './sources'

/** One field, one list: everything by name (design 5.10). */
export default function Palette({ state, onChange }: { state: PaletteState; onChange: (state: PaletteState | undefined) => void }): ReactNode {
  const close = (): void => { onChange(undefined) }
  if (state.what === 'keys') return <Keys open onClose={close} />
  return (
    <Dialog.Root open onOpenChange={(next) => { if (!next) close() }}>
      <Dialog.Portal>
        <Dialog.Overlay className="dialog-ground" />
        <Dialog.Content className="palette" aria-describedby={undefined} data-testid="palette">
          <Dialog.Title className="unseen">{t('palette.open')}</Dialog.Title>
          <Body typed={state.typed} onType={(typed) => { onChange({ what: 'palette', typed }) }} onDone={close} />
        </Dialog.Content>
      </Dialog.Portal>
    </Dialog.Root>
  )
}

function Body({ typed, onType, onDone }: { typed: string; onType: (text: string) => void; onDone: () => void }): ReactNode {
  const { rows, busy } = useFound(typed)
  const [chosen, setChosen] = useState('')
  const [pressed, setPressed] = useState<Pressed>()
  const groups = [...new Set(rows.map((row) => row.group))]
  const act = (row: Found, behind: boolean): void => {
    if (behind && row.behind) { row.behind(); return }
    onDone()
    row.run()
  }
  const row = rows.find((each) => each.key === chosen) ?? rows[0]
  const onKey = (event: KeyboardEvent): void => {
    if (event.key === 'Tab' && row && !event.shiftKey) { event.preventDefault(); onType(row.text) }
    // The answer to what is typed is on its way, this one is to another text: Enter means what comes.
    if (event.key === 'Enter' && row?.isOld === true) {
      event.preventDefault()
      event.stopPropagation()
      setPressed({ typed, key: row.key, isFirst: row === rows[0], behind: event.ctrlKey || event.metaKey })
      return
    }
    if (event.key === 'Enter' && (event.ctrlKey || event.metaKey) && row) { event.preventDefault(); event.stopPropagation(); act(row, true) }
  }
  const meant = pressed?.typed === typed ? meantBy(pressed, rows) : undefined
  useEffect(() => {
    if (!meant || !pressed) return
    setPressed(undefined)
    act(meant, pressed.behind)
  })
  return (
    <List shouldFilter={false} label={t('palette.open')} value={row?.key ?? ''} onValueChange={setChosen} onKeyDown={onKey} loop>
      <div className="palette-field">
        <SearchIcon size={16} aria-hidden />
        <List.Input value={typed} onValueChange={onType} placeholder={t('palette.hint')} data-testid="palette.field" autoFocus />
      </div>
      <List.List className="palette-list scroll">
        {rows.length === 0 && <p className="palette-none secondary" role="status">{busy ? t('palette.busy') : t('palette.nothing', { text: typed })}</p>}
        {groups.map((group) => (
          <List.Group key={group} heading={group}>
            {rows.filter((each) => each.group === group).map((each) => (
              <List.Item key={each.key} value={each.key} className="palette-item" onSelect={() => { act(each, false) }} data-testid={`palette.${each.key}`}>
                {each.look ? <MarkIcon look={each.look} size={12} /> : each.icon && <each.icon size={14} aria-hidden />}
                <Marked text={each.text} marks={each.marks} />
                <span className="hint cut palette-context">{each.context}</span>
                {each.keys !== undefined && <kbd>{showKeys(each.keys)}</kbd>}
              </List.Item>
            ))}
          </List.Group>
        ))}
      </List.List>
      <div className="palette-foot hint">{t('palette.foot')}</div>
    </List>
  )
}

/** Enter that came before its answer. */
interface Pressed { readonly typed: string; readonly key: string; readonly isFirst: boolean; readonly behind: boolean }

/** The row that was meant, once the answer is there: the same, else the one that took its place at the top. */
export function meantBy(pressed: Pick<Pressed, 'key' | 'isFirst'>, rows: readonly Found[]): Found | undefined {
  if (rows.some((each) => each.isOld === true)) return undefined
  return rows.find((each) => each.key === pressed.key) ?? (pressed.isFirst ? rows[0] : undefined)
}

/** A text with its hits in bold. */
function Marked({ text, marks }: { text: string; marks: Found['marks'] }): ReactNode {
  const parts: ReactNode[] = []
  let at = 0
  for (const [start, length] of marks) {
    if (start < at) continue
    parts.push(text.slice(at, start), <b key={start}>{text.slice(start, start + length)}</b>)
    at = start + length
  }
  return <span className="cut palette-text">{parts}{text.slice(at)}</span>
}
