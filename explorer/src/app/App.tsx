import { QueryClient, QueryClientProvider } from '@tanstack/react-query'
import { Tooltip } from 'radix-ui'
import { type ReactNode, useEffect, useMemo } from 'react'
import { Router, useLocation } from 'wouter'
import { ApiError } from '@/api/errors'
import { explorerBase } from '@/api/place'
import { useSession } from '@/api/session'
import { handleKey } from '@/commands/keys'
import { GraphProvider } from '@/state/graph'
import { instantOf } from '@/state/instants'
import { onSignOut } from '@/state/signout'
import { rememberGraph, useGoing } from '@/state/url'
import { Toasts } from '@/ui/toasts'
import { Boundary } from './Boundary'
import { Frame } from './Frame'

const TRIES = 2

const client = new QueryClient({
  defaultOptions: {
    queries: {
      // What the server refused once it refuses again; what did not reach it may the next time.
      retry: (count, error) => count < TRIES && error instanceof ApiError && (error.isOffline || error.status >= 500),
      refetchOnWindowFocus: false,
    },
  },
})

onSignOut(() => { client.clear() })

export function App(): ReactNode {
  useEffect(() => {
    const onKey = (event: KeyboardEvent): void => { handleKey(event) }
    window.addEventListener('keydown', onKey)
    // A file that is dropped beside its place would take the page's.
    const onDrag = (event: DragEvent): void => {
      if (event.defaultPrevented || !event.dataTransfer?.types.includes('Files')) return
      event.preventDefault()
      event.dataTransfer.dropEffect = 'none'
    }
    window.addEventListener('dragover', onDrag)
    return () => { window.removeEventListener('keydown', onKey); window.removeEventListener('dragover', onDrag) }
  }, [])
  return (
    <Boundary>
      <QueryClientProvider client={client}>
        <Tooltip.Provider delayDuration={400} skipDelayDuration={200}>
          <Router base={explorerBase}><Placed /></Router>
          <Toasts />
        </Tooltip.Provider>
      </QueryClientProvider>
    </Boundary>
  )
}

function Placed(): ReactNode {
  const { place, adjust } = useGoing()
  const [path] = useLocation()
  useEffect(() => { rememberGraph(place.graph) }, [place.graph])
  // Whoever copies the address of the first page wants this graph, not the one that somebody else looked at last.
  useEffect(() => { if (path === '/') adjust({}) }, [path, adjust])
  const ends = useSession((state) => state.ends)
  const written = place.parameters.at
  // `-15m` is counted from when it was opened, and stays there.
  const at = useMemo(() => instantOf(written, Date.now()), [written])
  return <GraphProvider key={`${ends} ${place.graph}`} name={place.graph} at={at}><Frame /></GraphProvider>
}
