import { lazy, type ReactNode, Suspense, useEffect, useMemo, useState } from 'react'
import { t } from '@/text/text'
import { type Command, useCommands } from './registry'

const load = (): Promise<typeof import('./Palette')> => import('./Palette')
const Palette = lazy(load)
const BEFORE_IT_IS_WANTED_MS = 3000

export interface PaletteState { readonly what: 'palette' | 'keys'; readonly typed: string }

/** Opens the palette and the sheet of keys; they are loaded when one is first wanted, or when there is time. */
export function PaletteGate(): ReactNode {
  const [state, setState] = useState<PaletteState>()
  const commands = useMemo((): Command[] => {
    const show = (typed: string) => () => { setState({ what: 'palette', typed }) }
    return [
      { id: 'palette.open', group: t('commands.go'), text: t('palette.open'), keys: ['Ctrl k'], run: show('') },
      { id: 'palette.twins', group: t('commands.go'), text: t('palette.find-twin'), keys: ['Ctrl p'], run: show('@') },
      { id: 'palette.keys', group: t('commands.look'), text: t('palette.keys'), keys: ['Shift ?'], run: () => { setState({ what: 'keys', typed: '' }) } },
    ]
  }, [])
  useCommands(commands)
  useEffect(() => {
    // Without a connection it is loaded when it is wanted.
    const timer = setTimeout(() => { load().catch(() => undefined) }, BEFORE_IT_IS_WANTED_MS)
    return () => { clearTimeout(timer) }
  }, [])
  return state && <Suspense fallback={<Early onType={(letter) => { setState((before) => before && { ...before, typed: before.typed + letter }) }} onClose={() => { setState(undefined) }} />}><Palette state={state} onChange={setState} /></Suspense>
}

/** Keeps what is typed while the palette is on its way: letters are no commands then. */
function Early({ onType, onClose }: { onType: (letter: string) => void; onClose: () => void }): ReactNode {
  useEffect(() => {
    const onKey = (event: KeyboardEvent): void => {
      if (event.ctrlKey || event.metaKey || event.altKey) return
      if (event.key === 'Escape') onClose()
      else if (event.key.length === 1) onType(event.key)
      else return
      event.preventDefault()
      event.stopPropagation()
    }
    window.addEventListener('keydown', onKey, { capture: true })
    return () => { window.removeEventListener('keydown', onKey, { capture: true }) }
  }, [onType, onClose])
  return null
}
