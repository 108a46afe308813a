import { Dialog as Radix } from 'radix-ui'
import { type ReactNode, useState } from 'react'
import { t } from '@/text/text'
import { Button, IconButton } from './button'
import { CloseIcon } from './icons'

interface DialogProps {
  readonly open: boolean
  readonly title: string
  readonly description?: string
  readonly onClose: () => void
  readonly children: ReactNode
  /** Buttons of the foot, the main one last. */
  readonly foot?: ReactNode
  readonly wide?: boolean
  readonly testId?: string
}

/** What has no field that wants the focus takes it itself: else the cross would have it, and show its hint. */
function toItself(event: Event): void {
  event.preventDefault()
  if (event.currentTarget instanceof HTMLElement) event.currentTarget.focus()
}

/** A dialog over the page. Escape and the cross close it; a press beside it, such as on a toast, does not take away what was typed. */
export function Dialog({ open, title, description, onClose, children, foot, wide = false, testId }: DialogProps): ReactNode {
  return (
    <Radix.Root open={open} onOpenChange={(next) => { if (!next) onClose() }}>
      <Radix.Portal>
        <Radix.Overlay className="dialog-ground" />
        <Radix.Content className={wide ? 'dialog wide' : 'dialog'} data-testid={testId} onOpenAutoFocus={toItself} onInteractOutside={(event) => { event.preventDefault() }} {...(description === undefined && { 'aria-describedby': undefined })}>
          <div className="dialog-head">
            <Radix.Title asChild><h2 className="grow cut">{title}</h2></Radix.Title>
            <Radix.Close asChild><IconButton icon={CloseIcon} label={t('ui.close')} keys="Esc" /></Radix.Close>
          </div>
          {description !== undefined && <Radix.Description className="dialog-text secondary">{description}</Radix.Description>}
          {/* What is longer than the screen is scrolled by keys as well. */}
          <div className="dialog-body scroll" tabIndex={0}>{children}</div>
          {foot !== undefined && <div className="dialog-foot">{foot}</div>}
        </Radix.Content>
      </Radix.Portal>
    </Radix.Root>
  )
}

interface ConfirmProps {
  readonly open: boolean
  readonly title: string
  readonly text: string
  readonly act: string
  /** What has to be typed before the act, for many things at once. */
  readonly typed?: string
  readonly children?: ReactNode
  readonly onClose: () => void
  readonly onConfirm: () => void
}

/** Ask before what cannot be undone. */
export function Confirm({ open, title, text, act, typed, children, onClose, onConfirm }: ConfirmProps): ReactNode {
  const [text_, setText] = useState('')
  const ready = typed === undefined || text_ === typed
  return (
    <Dialog open={open} title={title} description={text} onClose={onClose} testId="confirm" foot={(
      <>
        <Button onClick={onClose}>{t('ui.cancel')}</Button>
        <Button look="danger" disabled={!ready} data-testid="confirm.act" onClick={() => { setText(''); onConfirm() }}>{act}</Button>
      </>
    )}>
      {children}
      {typed !== undefined && (
        <label className="field">
          <span className="secondary">{t('ui.type', { text: typed })}</span>
          <input className="input mono" value={text_} onChange={(event) => { setText(event.target.value) }} data-testid="confirm.typed" autoComplete="off" />
        </label>
      )}
    </Dialog>
  )
}
