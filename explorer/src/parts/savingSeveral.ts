/** One edit for several twins: a patch of each, a result of each, one step back. */
import { ApiError, asApiError } from '@/api/errors'
import type { JsonObject } from '@/api/json'
import type { Twin } from '@/api/types'
import { isTwin, type TwinStore } from '@/state/twins'
import { t } from '@/text/text'
import { toast } from '@/ui/toasts'
import { redoSaved, saveDraft, undoSaved } from './saving'
import { wrote } from './undoable'
import { beginDraft, type Draft, type Edit, edited } from './values/draft'
import type { Operation } from './values/patch'

export type Result = { readonly id: string; readonly state: 'waiting' | 'saved' | 'nothing' } | { readonly id: string; readonly state: 'refused'; readonly text: string }

interface Done { readonly id: string; readonly draft: Draft; readonly undo: readonly Operation[] }

/** Only what is edited is written, whatever else the twins became meanwhile: no ETag is asked for. */
async function saveOne(graph: string, twins: TwinStore, document: Twin, edits: readonly Edit[], done: Done[]): Promise<Result> {
  const id = document.$dtId
  const draft = { ...edited(beginDraft(document), edits, 0), etag: undefined }
  try {
    const saved = await saveDraft(graph, { kind: 'twin', id }, draft)
    if (saved.kind === 'refused') return { id, state: 'refused', text: saved.error.details[0]?.message ?? saved.error.message }
    if (saved.kind !== 'saved') return { id, state: 'nothing' }
    if (isTwin(saved.document)) twins.putNow([saved.document])
    done.push({ id, draft, undo: saved.undo })
    return { id, state: 'saved' }
  } catch (error) {
    return { id, state: 'refused', text: asApiError(error).message }
  }
}

/** Each by itself: one that somebody else has changed holds up none of the others. */
async function moveAll(twins: TwinStore, from: Set<Done>, to: Set<Done>, run: (each: Done) => Promise<JsonObject>): Promise<void> {
  const errors: ApiError[] = []
  const count = from.size
  for (const each of [...from]) {
    try {
      const fresh = await run(each)
      from.delete(each)
      to.add(each)
      if (isTwin(fresh)) twins.putNow([fresh])
    } catch (error) {
      errors.push(asApiError(error))
    }
  }
  const [first] = errors
  if (!first) return
  const text = t('inspector.not-all', { n: errors.length, of: count, why: first.message })
  // What went the other way can come back again; only where nothing did it is no step.
  if (errors.length === count) throw new ApiError(first.status, first.code, text)
  toast({ text, kind: 'error' })
}

export async function saveSeveral(graph: string, twins: TwinStore, documents: readonly Twin[], edits: readonly Edit[], tell: (results: readonly Result[]) => void): Promise<boolean> {
  const results: Result[] = []
  const done: Done[] = []
  for (const document of documents) {
    tell([...results, ...documents.slice(results.length).map((each) => ({ id: each.$dtId, state: 'waiting' as const }))])
    results.push(await saveOne(graph, twins, document, edits, done))
  }
  tell(results)
  if (done.length > 0) {
    const [there, back] = [new Set(done), new Set<Done>()]
    wrote(t('inspector.saved-many', { n: done.length }),
      () => moveAll(twins, there, back, (each) => undoSaved(graph, { kind: 'twin', id: each.id }, each.draft, each.undo)),
      () => moveAll(twins, back, there, (each) => redoSaved(graph, { kind: 'twin', id: each.id }, each.draft)))
  }
  return results.every((each) => each.state !== 'refused')
}
