import { lazy, type ReactNode, Suspense, useMemo, useState } from 'react'
import { t } from '@/text/text'
import { type Command, useCommands } from './registry'

const Palette = lazy(() => import('./Palette'))

export interface PaletteState { readonly what: 'palette' | 'keys'; readonly typed: string }

/** Opens the palette and the sheet of keys; they are loaded when one is first wanted. */
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
  return state && <Suspense><Palette state={state} onChange={setState} /></Suspense>
}
