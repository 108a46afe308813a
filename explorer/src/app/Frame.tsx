import './frame.css'
import { lazy, type ReactNode, Suspense, useEffect, useMemo, useRef, useState } from 'react'
import { Link } from 'wouter'
import { explorerBase } from '@/api/place'
import { useSession } from '@/api/session'
import { PaletteGate } from '@/commands/PaletteGate'
import { type Command, useCommands } from '@/commands/registry'
import { showKeys } from '@/commands/keys'
import { useGraph, useMay } from '@/state/graph'
import { DEFAULTS, set, useSettings } from '@/state/settings'
import { currentPlace, isEmbedded, linkTo, useGoing } from '@/state/url'
import { t } from '@/text/text'
import { Hint } from '@/ui/button'
import { copyText } from '@/ui/copy'
import { Splitter } from '@/ui/splitter'
import { Boundary } from './Boundary'
import { Alone } from './Alone'
import { InspectorPane } from './InspectorPane'
import { SCREEN_ROWS, type ScreenRow } from './screens'
import { useRestore } from '@/parts/restore/store'
import { StatusBar } from './StatusBar'
import { TopBar } from './TopBar'

const Outline = lazy(() => import('@/features/graph/Outline'))
const Tour = lazy(() => import('@/features/tour/Tour'))
const WriteDialogs = lazy(() => import('@/parts/WriteDialogs'))
const RestoreDialog = lazy(() => import('@/parts/restore/RestoreDialog'))
const AccessSheet = lazy(() => import('@/features/settings/AccessSheet'))
const DropAnywhere = lazy(() => import('./DropAnywhere'))

function useFrameCommands(rows: readonly ScreenRow[]): void {
  const going = useGoing()
  const commands = useMemo((): Command[] => [
    ...rows.filter((row) => row.rail !== undefined).map((row) => ({
      id: `screen.${row.screen}`, group: t('commands.go'), text: t(`screens.${row.screen}`), keys: [`g ${row.letter}`],
      run: () => { going.go({ screen: row.screen }) },
    })),
    {
      id: 'frame.copy-link', group: t('commands.go'), text: t('frame.copy-link'), keys: ['Shift L'], when: () => going.place.screen !== 'graph' && going.place.screen !== 'query',
      run: async () => { await copyText(linkTo(currentPlace())) },
    },
    { id: 'frame.inspector', group: t('commands.look'), text: t('frame.inspector'), keys: ['i'], run: () => { const { inspector } = useSettings.getState(); set({ inspector: { ...inspector, open: !inspector.open } }) } },
    { id: 'frame.outline', group: t('commands.look'), text: t('frame.outline'), keys: ['o'], run: () => { const { outline } = useSettings.getState(); set({ outline: { ...outline, open: !outline.open } }) } },
  ], [rows, going])
  useCommands(commands)
}

/** Whether somebody has to sign in, has, or comes back from it; where nobody does, what it takes is not loaded. */
function useAsked(): boolean {
  const now = useSession((state) => state.wanted !== undefined || state.token !== undefined) || window.location.pathname === `${explorerBase}/callback`
  const was = useRef(now)
  was.current ||= now
  return was.current
}

/** Whether a file has been over the page: what takes it is loaded then. */
function useDragged(): boolean {
  const [dragged, setDragged] = useState(false)
  useEffect(() => {
    const onEnter = (event: DragEvent): void => { if (event.dataTransfer?.types.includes('Files') === true) setDragged(true) }
    window.addEventListener('dragenter', onEnter)
    return () => { window.removeEventListener('dragenter', onEnter) }
  }, [])
  return dragged
}

/** What is around every screen: bar, rail, outline, inspector, status (design 2.3). */
export function Frame(): ReactNode {
  const { place } = useGoing()
  const { at } = useGraph()
  const may = useMay()
  const rows = useMemo(() => SCREEN_ROWS.filter((row) => row.permission === undefined || may(row.permission)), [may])
  useFrameCommands(rows)
  // What is not offered is still reached by its address: the screen says then what is missing.
  const restoring = useRestore((state) => state.to !== undefined)
  const View = SCREEN_ROWS.find((row) => row.screen === place.screen)?.view
  const { outline } = useSettings()
  const isAsked = useAsked()
  const isDragged = useDragged()
  if (isEmbedded) return <><Alone screen={place.screen} /><Boundary><Suspense>{isAsked && <AccessSheet />}</Suspense></Boundary></>
  return (
    <div className="frame">
      <TopBar />
      <Rail rows={rows} />
      <div className="work">
        <div className="panes">
          {outline.open && place.screen === 'graph' && (
            <>
              <aside className="outline-pane" style={{ width: outline.width }} aria-label={t('frame.outline')}><Boundary><Suspense><Outline /></Suspense></Boundary></aside>
              <Splitter label={t('frame.resize-outline')} value={outline.width} min={220} max={420} initial={DEFAULTS.outline.width} grows="right" onChange={(width) => { set({ outline: { open: true, width } }) }} />
            </>
          )}
          <main className={at === undefined ? 'screen' : 'screen past'}><Boundary key={place.screen}><Suspense>{View && <View />}</Suspense></Boundary><Boundary><Suspense><Tour /></Suspense></Boundary></main>
          <InspectorPane />
        </div>
        <StatusBar />
      </div>
      <Boundary><PaletteGate /></Boundary>
      <Boundary><Suspense>{isDragged && <DropAnywhere />}</Suspense></Boundary>
      <Boundary><Suspense>{isAsked && <AccessSheet />}<WriteDialogs />{restoring && <RestoreDialog />}</Suspense></Boundary>
    </div>
  )
}

function Rail({ rows }: { rows: readonly ScreenRow[] }): ReactNode {
  const { place, href } = useGoing()
  const item = (row: ScreenRow): ReactNode => (
    <Hint key={row.screen} text={t(`screens.${row.screen}`)} keys={showKeys(`g ${row.letter}`)} side="right">
      <Link href={href({ screen: row.screen })} className="rail-item" aria-label={t(`screens.${row.screen}`)} {...(place.screen === row.screen && { 'aria-current': 'page' as const })} data-testid={`rail.${row.screen}`}>
        <row.icon size={18} strokeWidth={1.75} aria-hidden />
      </Link>
    </Hint>
  )
  return (
    <nav className="rail" aria-label={t('frame.screens')}>
      {rows.filter((row) => row.rail === 'top').map(item)}
      <span className="rail-space" />
      {rows.filter((row) => row.rail === 'bottom').map(item)}
    </nav>
  )
}
