/** The large state of the view lives in the fragment of the address, and in a saved view (design 2.2). */
import { useEffect, useRef } from 'react'
import { readFragment, type ViewState, writeFragment } from '@/state/fragment'
import { change, reset, screen, useScreen } from './store'

const WRITE_AFTER_MS = 300

/** Read the fragment once for each graph, and write it whenever the view changes. Returns nothing: the store has it. */
export function useFragment(graph: string, address: string): void {
  const state = useScreen((each) => each.state)
  const written = useRef('')
  const ready = useRef(false)

  useEffect(() => {
    let gone = false
    ready.current = false
    reset({})
    void readFragment(window.location.hash).then((found) => {
      if (gone) return
      if (found) apply(found)
      written.current = window.location.hash.slice(1)
      ready.current = true
    })
    const onPop = (): void => {
      if (window.location.hash.slice(1) === written.current) return
      void readFragment(window.location.hash).then((found) => {
        written.current = window.location.hash.slice(1)
        useScreen.setState({ state: {} })
        if (found) apply(found)
      })
    }
    window.addEventListener('popstate', onPop)
    return () => { gone = true; window.removeEventListener('popstate', onPop) }
  }, [graph])

  useEffect(() => {
    const timer = setTimeout(() => {
      if (!ready.current) return
      void fragmentOf(screen().state).then((fragment) => {
        if (window.location.hash.slice(1) === fragment) return
        written.current = fragment
        window.history.replaceState(window.history.state, '', `${window.location.pathname}${window.location.search}${fragment === '' ? '' : `#${fragment}`}`)
      })
    }, WRITE_AFTER_MS)
    return () => { clearTimeout(timer) }
  }, [state, address])
}

/** Take a state that was kept: the camera goes where it was. */
export function apply(state: ViewState): void {
  change(state)
  if (state.camera) useScreen.setState({ goal: state.camera })
}

/** Write a state; nothing where there is nothing to say. */
export async function fragmentOf(state: ViewState): Promise<string> {
  const said = Object.fromEntries(Object.entries(state).filter(([, value]) => !isNothing(value)))
  return Object.keys(said).length === 0 ? '' : writeFragment(said)
}

function isNothing(value: unknown): boolean {
  if (value === undefined) return true
  if (Array.isArray(value)) return value.length === 0
  return typeof value === 'object' && value !== null && Object.keys(value).length === 0
}
