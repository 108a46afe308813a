/** Starts WebGL after the first paint, keeps it in step, and starts it once more when it was lost. */
import type { Adapter, Growing } from './adapter'
import { detailOf } from './lod'
import type { Parts } from './painter'
import type { Scene } from './scene'
import type { State } from './state'

const AGAIN_MS = 300
const QUIET_MS = 400
const MOST_LOSSES = 2

/** Why there is no WebGL. */
export type Loss = 'none' | 'lost'

export class Drive {
  /** Fetched while there is nothing to draw yet. */
  readonly #loading = import('./adapter')
  #adapter: Adapter | undefined
  #starting: Promise<void> | undefined
  #losses = 0
  #failed = false
  #gone = false
  #again: ReturnType<typeof setTimeout> | undefined

  constructor(
    private readonly container: HTMLElement, private readonly parts: () => Parts, private readonly onDrawn: () => void, private readonly onLost: (reason: Loss) => void,
    private readonly onKnown: (isSoftware: boolean) => void,
  ) {
    // What went wrong is told when it is needed.
    this.#loading.catch(() => undefined)
  }

  /** WebGL draws marks and lines; until it does, and where it never will, pens do. */
  get isOn(): boolean { return this.#adapter !== undefined }

  get hasFailed(): boolean { return this.#failed }

  /** Resolves when the scene is drawn. */
  async show(): Promise<void> {
    if (this.#failed) return
    if (this.#adapter) this.#adapter.show(this.#drawn())
    else await (this.#starting ??= this.#start())
  }

  recolour(before: State | undefined, after: State): void {
    if (this.#adapter && !(before && isSame(before, after))) this.#adapter.recolour(this.#drawn())
  }

  /** Return whether a frame will follow. */
  look(): boolean {
    if (!this.#adapter) return false
    const { frame, detail } = this.#drawn()
    this.#adapter.look(frame, detail)
    if (this.#adapter.isSoftware) {
      // A processor that plays the graphics card may drop the last frame of many: it is drawn once more when all is quiet.
      clearTimeout(this.#again)
      this.#again = setTimeout(() => { this.#adapter?.render() }, QUIET_MS)
    }
    return true
  }

  move(scene: Scene, lineAlpha: number, growing?: Growing): boolean {
    if (!this.look()) return false
    this.#adapter?.move(scene, lineAlpha, growing)
    return true
  }

  resize(): void { this.#adapter?.resize(this.#drawn()) }

  destroy(): void {
    this.#gone = true
    clearTimeout(this.#again)
    this.#adapter?.kill()
    this.#adapter = undefined
  }

  #drawn(): Parts & { readonly detail: ReturnType<typeof detailOf> } {
    const parts = this.parts()
    return { ...parts, detail: detailOf(parts.frame.u, parts.frame.ratio) }
  }

  async #start(): Promise<void> {
    await painted()
    try {
      const { Adapter } = await this.#loading
      if (this.#gone) return
      this.#adapter = new Adapter(this.container, this.#drawn(), this.onDrawn, () => { this.#lost() })
      this.onKnown(this.#adapter.isSoftware)
      this.onDrawn()
      performance.mark('ready')
    } catch {
      this.#fail('none')
    }
  }

  #lost(): void {
    if (!this.#adapter) return
    this.#adapter.kill()
    this.#adapter = undefined
    this.container.replaceChildren()
    this.#losses += 1
    if (this.#losses >= MOST_LOSSES) this.#fail('lost')
    else {
      this.onDrawn()
      setTimeout(() => { if (!this.#gone) this.#starting = this.#start() }, AGAIN_MS)
    }
  }

  #fail(reason: Loss): void {
    this.#failed = true
    this.onDrawn()
    this.onLost(reason)
  }
}

/** The browser has shown what was painted before. */
function painted(): Promise<void> {
  return new Promise((resolve) => {
    // A page in the background gets no frames, and waits for none.
    const late = setTimeout(resolve, 100)
    requestAnimationFrame(() => {
      clearTimeout(late)
      setTimeout(resolve, 0)
    })
  })
}

function isSame(a: State, b: State): boolean {
  return a.looks.differences === b.looks.differences && a.colours.length === b.colours.length && a.edgeShown.length === b.edgeShown.length && equal(a.shown, b.shown) && equal(a.bright, b.bright) && equal(a.edgeShown, b.edgeShown)
    && (a.colours === b.colours || a.colours.every((colour, index) => colour === b.colours[index]))
}

function equal(a: Uint8Array, b: Uint8Array): boolean { return a === b || a.every((each, index) => each === b[index]) }
