/** Writes that can be taken back: told at the lower left, and on the stack of writes. */
import { asApiError } from '@/api/errors'
import { type Act, did, useActs } from '@/state/undo'
import { t } from '@/text/text'
import { toast } from '@/ui/toasts'

function tellFailed(error: unknown): void {
  const { code, message } = asApiError(error)
  toast({ text: `${code}: ${message}`, kind: 'error' })
}

async function take(act: Act): Promise<void> {
  useActs.setState((before) => ({ done: before.done.filter((each) => each !== act), undone: [...before.undone, act] }))
  await act.undo()
}

/** Note a write that was made, and offer to take it back. Undoing that fails is told. */
export function wrote(name: string, undo: () => Promise<void>, redo: () => Promise<void>): void {
  const guarded = (run: () => Promise<void>) => async (): Promise<void> => {
    try {
      await run()
    } catch (error) {
      tellFailed(error)
    }
  }
  const act: Act = { name, kind: 'write', undo: guarded(undo), redo: guarded(redo) }
  did(act)
  toast({ text: name, act: { text: t('inspector.undo'), run: () => { void take(act) } } })
}

/** Run a write whose refusal is told. Returns whether it succeeded. */
export async function attempt(run: () => Promise<void>): Promise<boolean> {
  try {
    await run()
    return true
  } catch (error) {
    tellFailed(error)
    return false
  }
}
