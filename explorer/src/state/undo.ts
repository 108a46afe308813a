/** Two stacks of what can be undone: acts on the view, and writes (design 6.2). */
import { create } from 'zustand'
import { onLeave } from './leaving'

/** How it went: what failed may be tried again; what was refused cannot be done any more, and is on no stack. */
export type Outcome = 'done' | 'failed' | 'refused'

export interface Act {
  /** What it was, for the menu and the toast. */
  readonly name: string
  readonly kind: 'view' | 'write'
  undo: () => void | Promise<void | Outcome>
  redo: () => void | Promise<void | Outcome>
}

interface Acts { readonly done: readonly Act[]; readonly undone: readonly Act[] }

const MOST = 100

export const useActs = create<Acts>(() => ({ done: [], undone: [] }))
onLeave(() => { useActs.setState({ done: [], undone: [] }) })

export function did(act: Act): void {
  useActs.setState((before) => ({ done: [...before.done, act].slice(-MOST), undone: [] }))
}

let turn: Promise<unknown> | undefined

/** One after the other: who asks twice means two acts, and the second stands on what the first one made. */
async function inTurn(run: () => Promise<Act | undefined>): Promise<Act | undefined> {
  const mine = turn ? turn.then(run, run) : run()
  turn = mine
  try {
    return await mine
  } finally {
    if (turn === mine) turn = undefined
  }
}

function without(acts: readonly Act[], act: Act): readonly Act[] { return acts.filter((each) => each !== act) }

/** It goes to the other stack only once it is done. Returns the act, or nothing where it was not done. */
async function back(act: Act): Promise<Act | undefined> {
  const outcome = await act.undo()
  if (outcome === 'failed') return undefined
  const isDone = outcome !== 'refused'
  useActs.setState(({ done, undone }) => ({ done: without(done, act), undone: isDone ? [...undone, act] : undone }))
  return isDone ? act : undefined
}

async function again(act: Act): Promise<Act | undefined> {
  const outcome = await act.redo()
  if (outcome === 'failed') return undefined
  const isDone = outcome !== 'refused'
  useActs.setState(({ done, undone }) => ({ done: isDone ? [...done, act].slice(-MOST) : done, undone: without(undone, act) }))
  return isDone ? act : undefined
}

export async function undo(kind?: Act['kind']): Promise<Act | undefined> {
  return inTurn(async () => {
    const act = useActs.getState().done.findLast((each) => kind === undefined || each.kind === kind)
    return act && back(act)
  })
}

/** Undo one act, wherever it lies on its stack. */
export async function undoAct(act: Act): Promise<Act | undefined> {
  return inTurn(async () => (useActs.getState().done.includes(act) ? back(act) : undefined))
}

export async function redo(): Promise<Act | undefined> {
  return inTurn(async () => {
    const act = useActs.getState().undone.at(-1)
    return act && again(act)
  })
}
