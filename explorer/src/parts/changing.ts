/** Giving a twin another model: what becomes of its values, as an edit that can be saved and taken back. Pure. */
import { joinPointer, type Json, type JsonObject } from '@/api/json'
import type { Twin } from '@/api/types'
import type { Models } from '@/dtdl/models'
import { modelOf } from '@/state/twins'
import { components } from './create-twin/fitting'
import { beginDraft, type Draft, type Edit, edited } from './values/draft'

export interface Change {
  readonly model: string
  readonly stays: readonly string[]
  readonly lost: readonly string[]
  readonly missing: readonly string[]
  /** Components that the new model needs. */
  readonly made: JsonObject
}

/** What becomes of a twin with another model: values of the same name and schema stay. */
export function changeTo(models: Models, twin: Twin, model: string): Change {
  const old = modelOf(twin)
  const has = Object.keys(twin).filter((name) => !name.startsWith('$'))
  const fits = (name: string): boolean => {
    const [one, other] = [models.content(old, name), models.content(model, name)]
    if (!other || (other.kind !== 'property' && other.kind !== 'component')) return false
    return !one || (one.kind === other.kind && JSON.stringify(one.schema ?? one.model) === JSON.stringify(other.schema ?? other.model))
  }
  const stays = has.filter(fits)
  const missing = (models.get(model)?.contents ?? []).filter((each) => (each.kind === 'property' || each.kind === 'component') && !stays.includes(each.name)).map((each) => each.name)
  const made = Object.fromEntries(Object.entries(components(models, model)).filter(([name]) => !stays.includes(name)))
  return { model, stays, lost: has.filter((name) => !stays.includes(name)), missing, made }
}

/** The change as an edit of the model, of what is lost and of what is made: all other values are nobody's business here. */
export function changeDraft(twin: Twin, { model, lost, made }: Change): Draft {
  const edit = (name: string, value: Json | undefined): Edit => ({ path: joinPointer([name]), ...(value !== undefined && { value }) })
  const names = [...new Set([...lost, ...Object.keys(made)])]
  return edited(beginDraft(twin), [{ path: joinPointer(['$metadata', '$model']), value: model }, ...names.map((name) => edit(name, made[name]))], 0)
}
