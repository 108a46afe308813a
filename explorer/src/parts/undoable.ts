/** Writes that can be taken back: told at the lower left, and on the stack of writes. */
import { type ApiError, asApiError } from '@/api/errors'
import { type Act, did, type Outcome, undoAct } from '@/state/undo'
import { t } from '@/text/text'
import { toast } from '@/ui/toasts'

function tellFailed({ code, message }: ApiError): void { toast({ text: `${code}: ${message}`, kind: 'error' }) }

/** Refusals that another try, another token or a rested server may turn. */
const PASSING = [401, 403, 408, 425, 429]

function isFinal({ status }: ApiError): boolean { return status >= 400 && status < 500 && !PASSING.includes(status) }

function guarded(run: () => Promise<void>): () => Promise<Outcome> {
  return async () => {
    try {
      await run()
      return 'done'
    } catch (thrown) {
      const error = asApiError(thrown)
      tellFailed(error)
      return isFinal(error) ? 'refused' : 'failed'
    }
  }
}

/** Note a write that was made, and offer to take it back. Undoing that fails is told, and is no undoing. */
export function wrote(name: string, undo: () => Promise<void>, redo: () => Promise<void>): void {
  const act: Act = { name, kind: 'write', undo: guarded(undo), redo: guarded(redo) }
  did(act)
  toast({ text: name, act: { text: t('inspector.undo'), run: () => { void undoAct(act) } } })
}

/** Run a write whose refusal is told. Returns whether it succeeded. */
export async function attempt(run: () => Promise<void>): Promise<boolean> {
  return await guarded(run)() === 'done'
}
