/** What a person prefers in this browser. */
import { create } from 'zustand'
import { createJSONStorage, persist } from 'zustand/middleware'
import { keep, kept } from '@/api/kept'

export type Theme = 'system' | 'light' | 'dark'

export interface Settings {
  theme: Theme
  outline: { open: boolean; width: number }
  inspector: { open: boolean; width: number }
  /** Height of the query editor as a share of the screen. */
  editorShare: number
  /** Single letters act as commands. */
  letterKeys: boolean
  /** A query's text is checked while it is written. */
  checkQueries: boolean
  language: string
  tour: 'new' | 'skipped' | 'done'
  /** Property that is shown below a mark, by model. */
  mainValues: Readonly<Record<string, string>>
}

export const DEFAULTS: Settings = {
  theme: 'system',
  outline: { open: false, width: 264 },
  inspector: { open: true, width: 360 },
  editorShare: 0.3,
  letterKeys: true,
  checkQueries: true,
  language: 'en',
  tour: 'new',
  mainValues: {},
}

const storage = createJSONStorage<Settings>(() => ({
  getItem: (name) => kept('browser', name) ?? null, setItem: (name, value) => { keep('browser', name, value) }, removeItem: (name) => { keep('browser', name, undefined) },
}))

export const useSettings = create<Settings>()(persist((): Settings => DEFAULTS, { name: 'kastor.settings', version: 1, ...(storage && { storage }) }))

export function set(change: Partial<Settings>): void { useSettings.setState(change) }

const dark = window.matchMedia('(prefers-color-scheme: dark)')

function applyTheme(): void {
  const { theme } = useSettings.getState()
  document.documentElement.dataset['theme'] = theme === 'system' ? (dark.matches ? 'dark' : 'light') : theme
}

/** Keep the page's theme in step with the setting and the system. */
export function followTheme(): void {
  applyTheme()
  useSettings.subscribe(applyTheme)
  dark.addEventListener('change', applyTheme)
}

export function isDark(): boolean { return document.documentElement.dataset['theme'] === 'dark' }
