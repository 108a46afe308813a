/** What the page keeps of the graph that is open, beside the address and the server's answers, goes with it. */

const leavers = new Set<() => void>()
let visit = 0

/** Say how to forget what is kept of a graph; done when another one is opened, or somebody else signs in. */
export function onLeave(forget: () => void): void { leavers.add(forget) }

export function leaveGraph(): void {
  visit += 1
  for (const forget of leavers) forget()
}

/** The visit that goes on: what was asked in another one comes too late. */
export function visitNow(): number { return visit }
