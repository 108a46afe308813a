/** What moves by itself: pulses, twins that go, and marks on their way from one layout to the next. */
import { type Ghost, type Pulse, isGone, isOver } from './paint/rings'
import type { Scene, SceneBox } from './scene'

export const MOST_PULSES = 60
const MOST_GLIDING = 1500
const MOST_GHOSTS = 60

export class Motion {
  #pulses: Pulse[] = []
  #ghosts: Ghost[] = []
  #frame = 0

  constructor(private readonly still: boolean, private readonly paint: () => void) {}

  /** Beyond the most that can be told apart, later ones are left out. */
  pulse(ids: readonly string[]): void {
    const now = performance.now()
    const again = new Set(ids)
    this.#pulses = this.#pulses.filter((each) => !again.has(each.id))
    for (const id of again) if (this.#pulses.length < MOST_PULSES) this.#pulses.push({ id, begun: now })
    this.#run()
  }

  pulses(now: number): readonly Pulse[] { return this.#pulses = this.#pulses.filter((each) => !isOver(each, now, this.still)) }
  ghosts(now: number): readonly Ghost[] { return this.#ghosts = this.#ghosts.filter((each) => !isGone(each, now)) }

  mayGlide(before: Scene, after: Scene): boolean {
    return before.nodes.length > 0 && before.nodes.length <= MOST_GLIDING && after.nodes.length <= MOST_GLIDING
  }

  /** Twins that are no more stay for a moment as hollow marks, if the rest stayed where it was. */
  changed(before: Scene, after: Scene): void {
    if (this.still || before.picture.layout.kind !== after.picture.layout.kind) return
    const gone = before.nodes.flatMap((node, index) => (after.indexOf.has(node.id) ? [] : [{ look: node.look, x: before.x[index] ?? 0, y: before.y[index] ?? 0, begun: performance.now() }]))
    if (gone.length === 0 || gone.length > MOST_GHOSTS) return
    this.#ghosts.push(...gone)
    this.#run()
  }

  /** The scene at any share of the way between two. What is new is where it will be. */
  steps(before: Scene, after: Scene): (share: number) => Scene {
    const starts = after.nodes.map((node) => before.indexOf.get(node.id))
    const boxes = new Map(before.boxes.map((box) => [box.id, box]))
    return (share) => ({
      ...after,
      x: after.x.map((x, index) => way(before.x[starts[index] ?? -1] ?? x, x, share)),
      y: after.y.map((y, index) => way(before.y[starts[index] ?? -1] ?? y, y, share)),
      boxes: after.boxes.map((box) => boxBetween(boxes.get(box.id), box, share)),
    })
  }

  stop(): void { cancelAnimationFrame(this.#frame) }

  #run(): void {
    if (this.#frame !== 0) return
    const step = (): void => {
      this.paint()
      this.#frame = this.#pulses.length + this.#ghosts.length > 0 ? requestAnimationFrame(step) : 0
    }
    this.#frame = requestAnimationFrame(step)
  }
}

function way(from: number, to: number, share: number): number { return from + (to - from) * share }

function boxBetween(from: SceneBox | undefined, to: SceneBox, share: number): SceneBox {
  if (!from) return to
  return { ...to, x: way(from.x, to.x, share), y: way(from.y, to.y, share), w: way(from.w, to.w, share), h: way(from.h, to.h, share), titleWidth: way(from.titleWidth, to.titleWidth, share) }
}
