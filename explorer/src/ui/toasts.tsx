import { type ReactNode, useEffect } from 'react'
import { create } from 'zustand'
import { t } from '@/text/text'
import { Button, IconButton } from './button'
import { CloseIcon } from './icons'

export interface Toast {
  readonly text: string
  /** Errors stay until they are closed. */
  readonly kind?: 'ok' | 'error'
  readonly act?: { readonly text: string; readonly run: () => void }
}

interface Shown extends Toast { readonly id: number }

const SHOWN_MS = 5000
const MOST = 5

const useToasts = create<{ readonly shown: readonly Shown[] }>(() => ({ shown: [] }))
let next = 1

/** Tell what happened, at the lower left. */
export function toast(what: Toast): void {
  next += 1
  useToasts.setState((before) => ({ shown: [...before.shown, { ...what, id: next }].slice(-MOST) }))
}

function close(id: number): void { useToasts.setState((before) => ({ shown: before.shown.filter((each) => each.id !== id) })) }

function ToastCard({ shown }: { shown: Shown }): ReactNode {
  useEffect(() => {
    if (shown.kind === 'error') return undefined
    const timer = setTimeout(() => { close(shown.id) }, SHOWN_MS)
    return () => { clearTimeout(timer) }
  }, [shown])
  const { act } = shown
  return (
    <div className={shown.kind === 'error' ? 'toast error' : 'toast'} role={shown.kind === 'error' ? 'alert' : 'status'} data-testid="toast">
      <span className="grow">{shown.text}</span>
      {act && <Button look="quiet" onClick={() => { close(shown.id); act.run() }}>{act.text}</Button>}
      <IconButton icon={CloseIcon} label={t('ui.close')} onClick={() => { close(shown.id) }} />
    </div>
  )
}

export function Toasts(): ReactNode {
  const shown = useToasts((state) => state.shown)
  return <div className="toasts" aria-live="polite">{shown.map((each) => <ToastCard key={each.id} shown={each} />)}</div>
}
