/** All that can be done, by name: buttons, menus, palette and keys read the same list (design 5.10). */
import { useEffect } from 'react'
import { create } from 'zustand'

export interface Command {
  /** `graph.fit`, `twin.create`. */
  readonly id: string
  /** What it does, as it is shown. */
  readonly text: string
  /** `Ctrl K`, `g q`, `Shift L`, `f`. Ctrl is Cmd on a Mac. */
  readonly keys?: readonly string[]
  /** Heading in the palette and in the sheet of keys. */
  readonly group: string
  /** Further words by which it is found. */
  readonly words?: string
  /** Whether it is possible now; absent: always. What is not possible is not shown. */
  readonly when?: () => boolean
  readonly run: () => void | Promise<void>
}

interface Registry { readonly commands: ReadonlyMap<string, Command> }

export const useRegistry = create<Registry>(() => ({ commands: new Map() }))

/** Offer commands while the component is shown. Pass a list that `useMemo` keeps. */
export function useCommands(commands: readonly Command[]): void {
  useEffect(() => {
    useRegistry.setState(({ commands: before }) => ({ commands: new Map([...before, ...commands.map((each) => [each.id, each] as const)]) }))
    return () => {
      useRegistry.setState(({ commands: before }) => ({
        commands: new Map([...before].filter(([id, each]) => !commands.some((mine) => mine.id === id && mine === each))),
      }))
    }
  }, [commands])
}

export function possible(): readonly Command[] {
  return [...useRegistry.getState().commands.values()].filter((each) => each.when?.() ?? true)
}

export function runCommand(id: string): void {
  const command = useRegistry.getState().commands.get(id)
  if (command && (command.when?.() ?? true)) void command.run()
}
