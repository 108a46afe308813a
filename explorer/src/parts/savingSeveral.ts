/** One edit for several twins: a patch of each, a result of each, one step back. */
import { asApiError } from '@/api/errors'
import type { Twin } from '@/api/types'
import { isTwin, type TwinStore } from '@/state/twins'
import { t } from '@/text/text'
import { saveDraft, undoSaved } from './saving'
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
    if (isTwin(saved.document)) twins.put([saved.document])
    done.push({ id, draft, undo: saved.undo })
    return { id, state: 'saved' }
  } catch (error) {
    return { id, state: 'refused', text: asApiError(error).message }
  }
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
    wrote(t('inspector.saved-many', { n: done.length }), async () => {
      for (const each of done) {
        const fresh = await undoSaved(graph, { kind: 'twin', id: each.id }, each.draft, each.undo)
        if (isTwin(fresh)) twins.put([fresh])
      }
    }, async () => { await saveSeveral(graph, twins, documents, edits, tell) })
  }
  return results.every((each) => each.state !== 'refused')
}
