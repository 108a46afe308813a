/** Saving an edit: the patch of what was touched, and what to do when somebody else was quicker (design 5.4). */
import { ApiError } from '@/api/errors'
import type { JsonObject } from '@/api/json'
import type { Relationship, Twin } from '@/api/types'
import { changedSince } from './unchanged'
import { patchSubject, readSubject, type Subject } from './subject'
import { conflicts, type Draft, draftPatch, rebased, touched, withEdits } from './values/draft'
import { type Operation, patchOf, type Path, sameValue, valueAt } from './values/patch'

export type Saved =
  /** `overNewer`: others had changed other values meanwhile. */
  | { readonly kind: 'saved'; readonly document: Twin | Relationship; readonly overNewer: boolean; readonly undo: readonly Operation[] }
  | { readonly kind: 'nothing' }
  | { readonly kind: 'conflict'; readonly theirs: JsonObject; readonly paths: readonly Path[] }
  | { readonly kind: 'refused'; readonly error: ApiError }

/** A busy twin may change between reading and writing more than once. */
const MOST_TRIES = 6

/** Save a draft. Somebody else's values are only written over where `draft` was begun from them. */
export async function saveDraft(graph: string, subject: Subject, began: Draft): Promise<Saved> {
  let draft = began
  for (let tries = 0; tries < MOST_TRIES; tries += 1) {
    const operations = draftPatch(draft)
    if (operations.length === 0) return { kind: 'nothing' }
    try {
      await patchSubject(graph, subject, operations, draft.etag)
    } catch (error) {
      if (!(error instanceof ApiError)) throw error
      if (error.status !== 412) return { kind: 'refused', error }
      const theirs = await readSubject(graph, subject)
      const paths = conflicts(draft, theirs)
      if (paths.length > 0) return { kind: 'conflict', theirs, paths }
      draft = rebased(draft, theirs)
      continue
    }
    const document = await readSubject(graph, subject)
    return { kind: 'saved', document, overNewer: tries > 0, undo: patchOf(withEdits(draft.base, draft), draft.base, touched(draft)) }
  }
  return { kind: 'refused', error: new ApiError(412, 'PreconditionFailed', `This is written so often that ${MOST_TRIES} tries to save came too late. Try again.`) }
}

/** Take a saved edit back: only while its values are still those that it wrote. */
export async function undoSaved(graph: string, subject: Subject, draft: Draft, operations: readonly Operation[]): Promise<Twin | Relationship> {
  const now = await readSubject(graph, subject)
  const mine = withEdits(draft.base, draft)
  const changed = touched(draft).filter((path) => !sameValue(valueAt(now, path), valueAt(mine, path)))
  if (changed.length > 0) throw changedSince(namesOf(changed))
  await patchSubject(graph, subject, operations, now.$etag)
  return readSubject(graph, subject)
}

/** Save an edit again that was taken back: only while its values are still those that it began with. */
export async function redoSaved(graph: string, subject: Subject, draft: Draft): Promise<Twin | Relationship> {
  const now = await readSubject(graph, subject)
  const changed = conflicts(draft, now)
  if (changed.length > 0) throw changedSince(namesOf(changed))
  const saved = await saveDraft(graph, subject, rebased(draft, now))
  if (saved.kind === 'conflict') throw changedSince(namesOf(saved.paths))
  if (saved.kind === 'refused') throw saved.error
  return saved.kind === 'saved' ? saved.document : now
}

function namesOf(paths: readonly Path[]): string { return paths.map((path) => path.join('.')).join(', ') }
