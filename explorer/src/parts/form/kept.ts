/** What is written into forms and not sent yet: it outlives a reload, in this tab. Pure but for the storage. */
import { isObject, type Json, type JsonObject, parseJson, writeJson } from '@/api/json'
import { draftsOf, keepDraft, readDraft } from '@/state/drafts'

const KIND = 'form-'

export interface KeptForm {
  /** Whoever wrote it closed the form: it is offered when the form is opened again, and does not open it by itself. */
  readonly aside: boolean
  readonly value: JsonObject
}

export function readFormText(text: string): KeptForm | undefined {
  try {
    const kept = parseJson(text)
    return isObject(kept) && isObject(kept['value']) ? { aside: kept['aside'] === true, value: kept['value'] } : undefined
  } catch {
    return undefined
  }
}

export function readForm(graph: string, kind: string, name: string): KeptForm | undefined {
  const text = readDraft(graph, KIND + kind, name)
  return text === undefined ? undefined : readFormText(text)
}

/** Keep what is written; undefined forgets it. Returns whether it is kept. */
export function keepForm(graph: string, kind: string, name: string, form: { readonly aside: boolean; readonly value: unknown } | undefined): boolean {
  return keepDraft(graph, KIND + kind, name, form && writeJson(form))
}

/** The form of a kind that was open when the page was left, by name: it opens again. */
export function waitingForm(graph: string, kind: string): string | undefined {
  return draftsOf(graph, KIND + kind).find((name) => readForm(graph, kind, name)?.aside === false)
}

/** Names of forms of a kind in which something is written. */
export function formsOf(graph: string, kind: string): readonly string[] { return draftsOf(graph, KIND + kind) }

/** Return texts of a form that was kept. */
export function textsIn(kept: JsonObject, name: string): readonly string[] {
  const value = kept[name]
  return Array.isArray(value) ? (value as readonly Json[]).filter((each) => typeof each === 'string') : []
}

/** Return a text of a form that was kept. */
export function textIn(kept: JsonObject, name: string): string | undefined {
  const value = kept[name]
  return typeof value === 'string' ? value : undefined
}
