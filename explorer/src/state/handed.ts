/** Files that were dropped somewhere on the page, for the screen that takes them. */
import { useEffect } from 'react'
import { create } from 'zustand'
import { onLeave } from './leaving'

export type Taker = 'models' | 'io'

interface Handed { readonly to: Taker | undefined; readonly files: readonly File[] }

const NOTHING: Handed = { to: undefined, files: [] }
const useStore = create<Handed>(() => NOTHING)
onLeave(() => { useStore.setState(NOTHING) })

export function hand(to: Taker, files: readonly File[]): void { useStore.setState({ to, files }) }

/** Take what was dropped for a screen, once it is there; undefined: it may not. */
export function useHanded(as: Taker, take: ((files: readonly File[]) => void) | undefined): void {
  const { to, files } = useStore()
  useEffect(() => {
    if (to !== as || !take) return
    useStore.setState(NOTHING)
    take(files)
  }, [to, files, as, take])
}
