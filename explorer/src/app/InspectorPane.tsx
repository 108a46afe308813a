import { lazy, type ReactNode, Suspense, useSyncExternalStore } from 'react'
import { DEFAULTS, set, useSettings } from '@/state/settings'
import { selectionOf, useGoing } from '@/state/url'
import { t } from '@/text/text'
import { IconButton } from '@/ui/button'
import { CloseIcon } from '@/ui/icons'
import { Splitter } from '@/ui/splitter'
import { Boundary } from './Boundary'

const Inspector = lazy(() => import('@/features/inspector/Inspector'))

/** Screens that stand beside the inspector. */
const INSPECTED = new Set(['graph', 'query', 'live', 'history', 'scenes'])

const narrow = window.matchMedia('(width < 1100px)')

function useNarrow(): boolean {
  return useSyncExternalStore((listener) => {
    narrow.addEventListener('change', listener)
    return () => { narrow.removeEventListener('change', listener) }
  }, () => narrow.matches)
}

/** The inspector beside the screen; where there is no room it is a sheet over it, while something is selected (design 2.3). */
export function InspectorPane(): ReactNode {
  const { place, step } = useGoing()
  const { inspector } = useSettings()
  const isSheet = useNarrow()
  if (!inspector.open || !INSPECTED.has(place.screen) || (isSheet && selectionOf(place.parameters).length === 0)) return null
  return (
    <>
      {!isSheet && <Splitter label={t('frame.resize-inspector')} value={inspector.width} min={300} max={560} initial={DEFAULTS.inspector.width} grows="left" onChange={(width) => { set({ inspector: { open: true, width } }) }} />}
      <aside className="inspector-pane" style={{ width: inspector.width }} aria-label={t('frame.inspector')}>
        {isSheet && <div className="sheet-head"><IconButton icon={CloseIcon} label={t('ui.close')} onClick={() => { step({ sel: undefined }) }} data-testid="inspector.close" /></div>}
        <Boundary><Suspense><Inspector /></Suspense></Boundary>
      </aside>
    </>
  )
}
