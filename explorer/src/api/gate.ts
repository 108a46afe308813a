/** Reads of a graph's present wait until its feed has said where it begins: what changes after them is then heard of. */

interface Gate { readonly opened: Promise<void>; readonly open: () => void }

const shut = new Map<string, Gate>()

export function shutGate(graph: string): void {
  if (shut.has(graph)) return
  let open = (): void => undefined
  const opened = new Promise<void>((resolve) => { open = resolve })
  shut.set(graph, { opened, open })
}

export function openGate(graph: string): void {
  shut.get(graph)?.open()
  shut.delete(graph)
}

export function isShut(graph: string): boolean { return shut.has(graph) }

/** Resolve once reads of a graph may begin; who waits for the answer no more ends it. */
export async function passGate(graph: string, signal: AbortSignal | undefined): Promise<void> {
  // It may have been shut again by the time one is through.
  for (let gate = shut.get(graph); gate && signal?.aborted !== true; gate = shut.get(graph)) {
    await Promise.race([gate.opened, new Promise<void>((resolve) => { signal?.addEventListener('abort', () => { resolve() }, { once: true }) })])
  }
  signal?.throwIfAborted()
}
