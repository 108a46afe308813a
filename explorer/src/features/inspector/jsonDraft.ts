/** A document that is edited as text: what it was when somebody began, and the text. It outlives a reload. Pure but for the drafts. */
import { isObject, type JsonObject, parseJson, writeJson } from '@/api/json'
import { type Edit, editsBetween } from '@/parts/values/draft'
import { differences, type Path } from '@/parts/values/patch'
import { formatSubject, type Subject } from '@/parts/subject'
import { keepDraft, readDraft } from '@/state/drafts'

export interface JsonDraft {
  /** The document that the text was written from: what differs is held against it, whatever others made of it since. */
  readonly base: JsonObject
  readonly text: string
}

const KIND = 'json'

function nameOf(subject: Subject): string { return `${subject.kind} ${formatSubject(subject)}` }

/** What the server keeps by itself, and no edit changes: all that begins with `$`, but for the model. */
function isKept(path: Path): boolean {
  const last = path.at(-1) ?? ''
  return last.startsWith('$') ? !(path.length === 1 && last === '$metadata') && !(path.length === 2 && path[0] === '$metadata' && last === '$model') : path.includes('$metadata')
}

function withoutKept(document: JsonObject, path: Path = []): JsonObject {
  return Object.fromEntries(Object.entries(document).filter(([name]) => !isKept([...path, name])).map(([name, value]) => [name, isObject(value) ? withoutKept(value, [...path, name]) : value]))
}

export function beginJson(base: JsonObject): JsonDraft { return { base, text: writeJson(withoutKept(base), 2) } }

/** What was changed in the text: nothing else is an edit, however old the rest of the text is. */
export function editsOf(base: JsonObject, after: JsonObject): readonly Edit[] {
  const before = withoutKept(base)
  // Who leaves the metadata out does not mean to take the model away.
  const whole = before['$metadata'] === undefined ? after : { $metadata: before['$metadata'], ...after }
  return editsBetween(before, whole, differences(before, whole, isKept))
}

export function readJsonText(text: string): JsonDraft | undefined {
  try {
    const value = parseJson(text)
    return isObject(value) && isObject(value['base']) && typeof value['text'] === 'string' ? { base: value['base'], text: value['text'] } : undefined
  } catch {
    return undefined
  }
}

export function readJson(graph: string, subject: Subject): JsonDraft | undefined {
  const text = readDraft(graph, KIND, nameOf(subject))
  return text === undefined ? undefined : readJsonText(text)
}

/** Keep the text for a reload; returns whether it is kept. */
export function keepJson(graph: string, subject: Subject, draft: JsonDraft | undefined): boolean {
  return keepDraft(graph, KIND, nameOf(subject), draft && writeJson({ base: draft.base, text: draft.text }))
}
