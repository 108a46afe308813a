/** An edit that is not saved yet: what was there when it began, and every step since. Pure. */
import { isObject, joinPointer, type Json, type JsonObject, parseJson, sameJson, splitPointer, writeJson } from '@/api/json'
import { isWithin, type Operation, type Path, patchOf, sameValue, valueAt, withValue } from './patch'

/** A value for a path; without `value` it is unset; with `text` it is what cannot be read as a value yet. */
export interface Edit {
  readonly path: string
  readonly value?: Json
  readonly text?: string
  /** What was done here and below is taken back. */
  readonly revert?: true
}

interface Step { readonly edits: readonly Edit[]; readonly at: number }

export interface Draft {
  /** The document when the edit began. */
  readonly base: JsonObject
  readonly etag: string | undefined
  readonly steps: readonly Step[]
  /** How many of the steps count; the others were undone. */
  readonly done: number
}

const SAME_STEP_MS = 1500
const MOST_STEPS = 500

export function beginDraft(base: JsonObject): Draft {
  const etag = base['$etag']
  return { base, etag: typeof etag === 'string' ? etag : undefined, steps: [], done: 0 }
}

const liveEdits = new WeakMap<Draft, readonly Edit[]>()
const editedBases = new WeakMap<Draft, JsonObject>()

/** The edits that count; they are asked for by every row, and a draft never changes. */
function live(draft: Draft): readonly Edit[] {
  const known = liveEdits.get(draft)
  if (known) return known
  let all: Edit[] = []
  for (const each of draft.steps.slice(0, draft.done).flatMap((step) => step.edits)) {
    // What cannot be read takes back what could be read before: nothing is saved that is not shown.
    if (each.revert || each.text !== undefined) {
      const path = splitPointer(each.path)
      all = all.filter((earlier) => !isWithin(splitPointer(earlier.path), path))
    }
    if (!each.revert) all.push(each)
  }
  liveEdits.set(draft, all)
  return all
}

/** What the draft makes of its own base. */
function editedBase(draft: Draft): JsonObject {
  const known = editedBases.get(draft)
  if (known) return known
  const document = withEdits(draft.base, draft)
  editedBases.set(draft, document)
  return document
}

/** Take edits as one step. What is written letter by letter in one place is one step. */
export function edited(draft: Draft, edits: readonly Edit[], now: number): Draft {
  const steps = draft.steps.slice(0, draft.done)
  const last = steps.at(-1)
  const [only] = edits
  const goesOn = last !== undefined && edits.length === 1 && last.edits.length === 1 && last.edits[0]?.path === only?.path && !only?.revert && now - last.at < SAME_STEP_MS
  const next = withoutOldest([...(goesOn ? steps.slice(0, -1) : steps), { edits, at: now }])
  return { ...draft, steps: next, done: next.length }
}

/** The oldest steps of a long line become one: they still count, but are undone together. */
function withoutOldest(steps: readonly Step[]): readonly Step[] {
  const [first, second, ...rest] = steps
  if (steps.length <= MOST_STEPS || !first || !second) return steps
  return [{ edits: [...first.edits, ...second.edits], at: second.at }, ...rest]
}

export function undone(draft: Draft): Draft { return { ...draft, done: Math.max(0, draft.done - 1) } }
export function redone(draft: Draft): Draft { return { ...draft, done: Math.min(draft.steps.length, draft.done + 1) } }

/** Take back what was done at a path and below it; that can be undone as well. */
export function reverted(draft: Draft, path: Path): Draft {
  const steps = draft.steps.slice(0, draft.done)
  return { ...draft, steps: [...steps, { edits: [{ path: joinPointer(path), revert: true }], at: 0 }], done: steps.length + 1 }
}

/** Return a document with the draft's edits in it: the base, or what has come from others meanwhile. */
export function withEdits(document: JsonObject, draft: Draft): JsonObject {
  return live(draft).reduce((target, each) => (each.text === undefined ? withValue(target, splitPointer(each.path), each.value) : target), document)
}

/** Texts that are no values of their schema, by pointer. */
export function unreadable(draft: Draft): ReadonlyMap<string, string> {
  const found = new Map<string, string>()
  for (const each of live(draft)) {
    for (const pointer of [...found.keys()]) if (isWithin(splitPointer(pointer), splitPointer(each.path))) found.delete(pointer)
    if (each.text !== undefined) found.set(each.path, each.text)
  }
  return found
}

/** Paths that were touched and differ now from the base, or cannot be read. */
export function touched(draft: Draft): readonly Path[] {
  const after = editedBase(draft)
  const texts = unreadable(draft)
  const all = new Map(live(draft).map((each) => [each.path, splitPointer(each.path)]))
  return [...all].filter(([pointer, path]) => texts.has(pointer) || !sameJson(valueAt(draft.base, path), valueAt(after, path))).map(([, path]) => path)
}

/** Whether a value is another one than it was, or is on its way to be one. */
export function isTouched(draft: Draft, path: Path): boolean {
  if (draft.done === 0) return false
  if (!sameJson(valueAt(draft.base, path), valueAt(editedBase(draft), path))) return true
  return [...unreadable(draft).keys()].some((pointer) => isWithin(splitPointer(pointer), path))
}

/** How many values are changed: a value within another that is changed too counts once. */
export function changeCount(draft: Draft): number {
  const paths = touched(draft)
  return paths.filter((path) => !paths.some((other) => other !== path && other.length < path.length && isWithin(path, other))).length
}

export function draftPatch(draft: Draft): readonly Operation[] {
  return patchOf(draft.base, editedBase(draft), touched(draft))
}

/** Touched values that somebody else has changed since the edit began. */
export function conflicts(draft: Draft, theirs: JsonObject): readonly Path[] {
  return touched(draft).filter((path) => {
    const now = valueAt(theirs, path)
    return !sameValue(valueAt(draft.base, path), now) && !sameValue(valueAt(editedBase(draft), path), now)
  })
}

/** Begin anew from another version of the document; edits stay. */
export function rebased(draft: Draft, document: JsonObject): Draft {
  const etag = document['$etag']
  return { ...draft, base: document, etag: typeof etag === 'string' ? etag : undefined }
}

/** What is left to save once the steps that count in `saved` were written, and `document` came of them: what was done since. */
export function leftOver(now: Draft | undefined, saved: Draft, document: JsonObject): Draft | undefined {
  if (!now || now === saved) return undefined
  // What takes an edit back that is saved by now has to say the value.
  const isPrefix = now.done >= saved.done && saved.steps.slice(0, saved.done).every((step, index) => now.steps[index] === step)
    && !now.steps.slice(saved.done).some((step) => step.edits.some((each) => each.revert))
  const steps = isPrefix ? now.steps.slice(saved.done) : sinceAsOne(now, saved)
  if (steps.length === 0) return undefined
  return rebased({ ...now, steps, done: isPrefix ? now.done - saved.done : steps.length }, document)
}

/** A step that was written on with, or undone, while it was saved: what differs is one step. */
function sinceAsOne(now: Draft, saved: Draft): readonly Step[] {
  const [after, was] = [editedBase(now), editedBase(saved)]
  const texts = unreadable(now)
  const pointers = [...new Set([...live(now), ...live(saved)].map((each) => each.path))]
  const edits = pointers.flatMap((path): Edit[] => {
    const text = texts.get(path)
    if (text !== undefined) return [{ path, text }]
    const value = valueAt(after, splitPointer(path))
    if (sameJson(value, valueAt(was, splitPointer(path)))) return []
    return [{ path, ...(value !== undefined && { value }) }]
  })
  return edits.length === 0 ? [] : [{ edits, at: 0 }]
}

/** Take the value of one path as known: what somebody else wrote there is no conflict any more. */
export function acknowledged(draft: Draft, path: Path, theirs: JsonObject): Draft {
  return { ...draft, base: withValue(draft.base, path, valueAt(theirs, path)) }
}

/** Return the edits that make `after` of `before`; members that begin with `$` are the server's, but for the model. */
export function editsBetween(before: JsonObject, after: JsonObject, paths: readonly Path[]): readonly Edit[] {
  return paths.map((path) => {
    const value = valueAt(after, path)
    return { path: joinPointer(path), ...(value !== undefined && { value }) }
  }).filter((each) => !sameJson(valueAt(before, splitPointer(each.path)), each.value))
}

export function writeDraft(draft: Draft): string { return writeJson(draft) }

/** Read a draft that was kept; what is none is no draft. */
export function readDraftText(text: string): Draft | undefined {
  let value: Json
  try {
    value = parseJson(text)
  } catch {
    return undefined
  }
  if (!isObject(value) || !isObject(value['base']) || !Array.isArray(value['steps']) || typeof value['done'] !== 'number') return undefined
  const { base, etag, done } = value
  const steps = (value['steps'] as readonly Json[]).flatMap((each): Step[] => {
    if (!isObject(each) || !Array.isArray(each['edits'])) return []
    return [{ edits: (each['edits'] as readonly Json[]).flatMap(readEdit), at: 0 }]
  })
  return { base, etag: typeof etag === 'string' ? etag : undefined, steps, done: Math.min(done, steps.length) }
}

function readEdit(each: Json): Edit[] {
  if (!isObject(each) || typeof each['path'] !== 'string') return []
  return [{ path: each['path'], ...(each['value'] !== undefined && { value: each['value'] }), ...(typeof each['text'] === 'string' && { text: each['text'] }), ...(each['revert'] === true && { revert: true }) }]
}
