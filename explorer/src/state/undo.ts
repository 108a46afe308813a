/** Two stacks of what can be undone: acts on the view, and writes (design 6.2). */
import { create } from 'zustand'
import { onLeave } from './leaving'

export interface Act {
  /** What it was, for the menu and the toast. */
  readonly name: string
  readonly kind: 'view' | 'write'
  undo: () => void | Promise<void>
  redo: () => void | Promise<void>
}

interface Acts { readonly done: readonly Act[]; readonly undone: readonly Act[] }

const MOST = 100

export const useActs = create<Acts>(() => ({ done: [], undone: [] }))
onLeave(() => { useActs.setState({ done: [], undone: [] }) })

export function did(act: Act): void {
  useActs.setState((before) => ({ done: [...before.done, act].slice(-MOST), undone: [] }))
}

export async function undo(kind?: Act['kind']): Promise<Act | undefined> {
  const { done } = useActs.getState()
  const act = done.findLast((each) => kind === undefined || each.kind === kind)
  if (!act) return undefined
  useActs.setState((before) => ({ done: before.done.filter((each) => each !== act), undone: [...before.undone, act] }))
  await act.undo()
  return act
}

export async function redo(): Promise<Act | undefined> {
  const act = useActs.getState().undone.at(-1)
  if (!act) return undefined
  useActs.setState((before) => ({ done: [...before.done, act], undone: before.undone.filter((each) => each !== act) }))
  await act.redo()
  return act
}
