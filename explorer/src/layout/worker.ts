/** Asks the worker for layouts; a newer request ends one that is still worked on. */
import type { LayoutRequest, LayoutResult } from './types'

type Reply = { readonly id: number; readonly result: LayoutResult } | { readonly id: number; readonly error: string }

export class LayoutOutdated extends Error {
  constructor() { super('A newer layout was asked for.'); this.name = 'LayoutOutdated' }
}

let spare: Worker | undefined

function created(): Worker { return new Worker(new URL('./layout.worker.ts', import.meta.url), { type: 'module' }) }

export class LayoutWorker {
  /** Let a worker start that the first who asks takes: that takes about as long as to read a graph. */
  static prepare(): void {
    if (spare) return
    try {
      const worker = spare = created()
      // One that did not load would let whoever takes it wait for ever.
      worker.onerror = () => { if (spare === worker) spare = undefined }
    } catch {
      // Who asks for a layout makes one of its own, and says why that fails.
    }
  }

  #worker: Worker | undefined
  #waiting: { readonly id: number; readonly resolve: (result: LayoutResult) => void; readonly reject: (error: Error) => void } | undefined
  #last = 0

  /** Lay out; rejects with LayoutOutdated when another request came before it was done. */
  run(request: LayoutRequest): Promise<LayoutResult> {
    if (this.#waiting) {
      this.#waiting.reject(new LayoutOutdated())
      this.#end()
    }
    const worker = (this.#worker ??= this.#begin())
    const id = (this.#last += 1)
    return new Promise((resolve, reject) => {
      this.#waiting = { id, resolve, reject }
      worker.postMessage({ id, request })
    })
  }

  /** Begin before there is anything to lay out, so that nothing is waited for then. */
  warm(): void {
    try {
      this.#worker ??= this.#begin()
    } catch {
      // Who asks for a layout begins again, and is told why that fails.
    }
  }

  destroy(): void {
    this.#waiting?.reject(new LayoutOutdated())
    this.#end()
  }

  #begin(): Worker {
    const worker = spare ?? created()
    spare = undefined
    worker.onmessage = ({ data }: MessageEvent<Reply>) => {
      const waiting = this.#waiting
      if (waiting?.id !== data.id) return
      this.#waiting = undefined
      if ('error' in data) waiting.reject(new Error(data.error))
      else waiting.resolve(data.result)
    }
    worker.onerror = (event) => {
      this.#waiting?.reject(new Error(event.message || 'The layout could not be made.'))
      this.#end()
    }
    return worker
  }

  #end(): void {
    this.#waiting = undefined
    this.#worker?.terminate()
    this.#worker = undefined
  }
}
