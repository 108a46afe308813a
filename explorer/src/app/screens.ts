import { type ComponentType, lazy, type LazyExoticComponent } from 'react'
import type { Screen } from '@/state/url'
import { GraphIcon, HistoryIcon, type Icon, ImportIcon, LiveIcon, ModelsIcon, OperateIcon, QueryIcon, ScenesIcon, SettingsIcon, TwinIcon } from '@/ui/icons'

export interface ScreenRow {
  readonly screen: Screen | 'settings'
  readonly letter: string
  readonly icon: Icon
  /** Where it stands in the rail; a twin's page does not. */
  readonly rail: 'top' | 'bottom' | undefined
  /** The permission without which it is not shown. */
  readonly permission?: string
  readonly view: LazyExoticComponent<ComponentType>
  readonly load: () => Promise<ScreenModule>
}

interface ScreenModule {
  readonly default: ComponentType
  /** Begins what takes its time before anything can be shown. */
  readonly prepare?: () => void
}

function shown(load: () => Promise<ScreenModule>): Pick<ScreenRow, 'view' | 'load'> { return { view: lazy(load), load } }

/** The screens, in the order of the rail. Each is loaded when it is first shown. */
export const SCREEN_ROWS: readonly ScreenRow[] = [
  { screen: 'graph', letter: 'g', icon: GraphIcon, rail: 'top', ...shown(() => import('@/features/graph/Screen')) },
  { screen: 'query', letter: 'q', icon: QueryIcon, rail: 'top', permission: 'query/action', ...shown(() => import('@/features/query/Screen')) },
  { screen: 'models', letter: 'm', icon: ModelsIcon, rail: 'top', permission: 'models/read', ...shown(() => import('@/features/models/Screen')) },
  { screen: 'live', letter: 'l', icon: LiveIcon, rail: 'top', permission: 'kastor/events/read', ...shown(() => import('@/features/live/Screen')) },
  { screen: 'history', letter: 'h', icon: HistoryIcon, rail: 'top', permission: 'kastor/history/read', ...shown(() => import('@/features/history/Screen')) },
  { screen: 'scenes', letter: 's', icon: ScenesIcon, rail: 'top', permission: 'kastor/explorer/read', ...shown(() => import('@/features/scenes/Screen')) },
  { screen: 'operate', letter: 'o', icon: OperateIcon, rail: 'top', permission: 'kastor/status/read', ...shown(() => import('@/features/operate/Screen')) },
  { screen: 'io', letter: 'i', icon: ImportIcon, rail: 'bottom', permission: 'kastor/export/read', ...shown(() => import('@/features/io/Screen')) },
  { screen: 'settings', letter: ',', icon: SettingsIcon, rail: 'bottom', ...shown(() => import('@/features/settings/Screen')) },
  { screen: 'twins', letter: '', icon: TwinIcon, rail: undefined, ...shown(() => import('@/features/inspector/Page')) },
]

/** Resolves when a screen can be shown at once, and also when it cannot: then it says so itself. */
export async function loadScreen(screen: Screen | 'settings'): Promise<void> {
  const loaded = await SCREEN_ROWS.find((row) => row.screen === screen)?.load().catch(() => undefined)
  loaded?.prepare?.()
}
