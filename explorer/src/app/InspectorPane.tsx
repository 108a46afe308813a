import { lazy, type ReactNode, Suspense, useSyncExternalStore } from 'react'
import { AsOf } from '@/state/graph'
import { showInstant } from '@/state/instants'
import { DEFAULTS, set, useSettings } from '@/state/settings'
import { useShown } from '@/state/shown'
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

/** What is there no more is shown as it was. */
function AsItWas({ selected, children }: { selected: readonly string[]; children: ReactNode }): ReactNode {
  const was = useShown((shown) => shown.was)
  const [only] = selected
  const at = was && only !== undefined && selected.length === 1 && was.keys.has(only) ? was.at : undefined
  return (
    <>
      {at !== undefined && <p className="notice" role="status" data-testid="inspector.was">{t('frame.as-it-was', { time: showInstant(at, Date.now(), true) })}</p>}
      <AsOf at={at}>{children}</AsOf>
    </>
  )
}

/** The inspector beside the screen; where there is no room it is a sheet over it, while something is selected (design 2.3). */
export function InspectorPane(): ReactNode {
  const { place, step } = useGoing()
  const { inspector } = useSettings()
  const isSheet = useNarrow()
  const selected = selectionOf(place.parameters)
  if (!inspector.open || !INSPECTED.has(place.screen) || (isSheet && selected.length === 0)) return null
  return (
    <>
      {!isSheet && <Splitter label={t('frame.resize-inspector')} value={inspector.width} min={300} max={560} initial={DEFAULTS.inspector.width} grows="left" onChange={(width) => { set({ inspector: { open: true, width } }) }} />}
      <aside className="inspector-pane" style={{ width: inspector.width }} aria-label={t('frame.inspector')}>
        {isSheet && <div className="sheet-head"><IconButton icon={CloseIcon} label={t('ui.close')} onClick={() => { step({ sel: undefined }) }} data-testid="inspector.close" /></div>}
        <Boundary><Suspense><AsItWas selected={selected}><Inspector /></AsItWas></Suspense></Boundary>
      </aside>
    </>
  )
}
