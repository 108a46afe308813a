/** Lays out beside the page, so that it stays at hand. */
import { runLayout } from './run'
import type { LayoutRequest } from './types'

interface Job { readonly id: number; readonly request: LayoutRequest }

const scope = self as unknown as { onmessage: (event: MessageEvent<Job>) => void; postMessage: (message: unknown, transfer: Transferable[]) => void }

scope.onmessage = ({ data: { id, request } }) => {
  runLayout(request).then(
    (result) => {
      const arrays = [result.x, result.y, result.parent, result.box, result.implied, result.inLane, result.absent]
      scope.postMessage({ id, result }, [...new Set(arrays.map((each) => each.buffer))])
    },
    (error: unknown) => { scope.postMessage({ id, error: error instanceof Error ? error.message : String(error) }, []) },
  )
}
