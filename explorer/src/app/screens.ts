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
}

/** The screens, in the order of the rail. Each is loaded when it is first shown. */
export const SCREEN_ROWS: readonly ScreenRow[] = [
  { screen: 'graph', letter: 'g', icon: GraphIcon, rail: 'top', view: lazy(() => import('@/features/graph/Screen')) },
  { screen: 'query', letter: 'q', icon: QueryIcon, rail: 'top', permission: 'query/action', view: lazy(() => import('@/features/query/Screen')) },
  { screen: 'models', letter: 'm', icon: ModelsIcon, rail: 'top', permission: 'models/read', view: lazy(() => import('@/features/models/Screen')) },
  { screen: 'live', letter: 'l', icon: LiveIcon, rail: 'top', permission: 'kastor/events/read', view: lazy(() => import('@/features/live/Screen')) },
  { screen: 'history', letter: 'h', icon: HistoryIcon, rail: 'top', permission: 'kastor/history/read', view: lazy(() => import('@/features/history/Screen')) },
  { screen: 'scenes', letter: 's', icon: ScenesIcon, rail: 'top', permission: 'kastor/explorer/read', view: lazy(() => import('@/features/scenes/Screen')) },
  { screen: 'operate', letter: 'o', icon: OperateIcon, rail: 'top', permission: 'kastor/status/read', view: lazy(() => import('@/features/operate/Screen')) },
  { screen: 'io', letter: 'i', icon: ImportIcon, rail: 'bottom', permission: 'kastor/export/read', view: lazy(() => import('@/features/io/Screen')) },
  { screen: 'settings', letter: ',', icon: SettingsIcon, rail: 'bottom', view: lazy(() => import('@/features/settings/Screen')) },
  { screen: 'twins', letter: '', icon: TwinIcon, rail: undefined, view: lazy(() => import('@/features/inspector/Page')) },
]
