/** What models of a file say of themselves before a server has read them: enough to colour their twins and to know their components. */
import { isObject, type Json, type JsonObject } from '@/api/json'
import type { ResolvedContent, ResolvedModel, Texts } from '@/dtdl/model'
import { Models } from '@/dtdl/models'

/** Later than all that are there: colours that are taken stay. */
const LAST = '9999'
const MOST_BASES = 200

function listOf(value: Json | undefined): readonly Json[] { return Array.isArray(value) ? value as readonly Json[] : value === undefined ? [] : [value] }

function textsOf(value: Json | undefined): Texts {
  if (typeof value === 'string') return { en: value }
  return isObject(value) ? Object.fromEntries(Object.entries(value).filter((each): each is [string, string] => typeof each[1] === 'string')) : {}
}

function idOf(value: Json): string | undefined { return typeof value === 'string' ? value : isObject(value) && typeof value['@id'] === 'string' ? value['@id'] : undefined }

function componentOf(content: Json, definedBy: string): readonly ResolvedContent[] {
  if (!isObject(content) || !listOf(content['@type']).includes('Component') || typeof content['name'] !== 'string') return []
  const model = listOf(content['schema']).map(idOf).find((id) => id !== undefined)
  return [{ name: content['name'], kind: 'component', definedBy, displayName: {}, description: {}, semanticTypes: [], ...(model !== undefined && { model }) }]
}

/** The models of a graph, and those that a file brings along. */
export function modelsWith(models: Models, definitions: readonly JsonObject[]): Models {
  const fresh = new Map(definitions.flatMap((each) => (typeof each['@id'] === 'string' && !models.get(each['@id']) ? [[each['@id'], each] as const] : [])))
  if (fresh.size === 0) return models
  const parents = (id: string): readonly string[] => { const own = fresh.get(id); return own ? listOf(own['extends']).map(idOf).filter((each) => each !== undefined) : models.get(id)?.extends ?? [] }
  const all = [...fresh].map(([id, definition]): ResolvedModel => {
    const bases: string[] = []
    for (let next = parents(id); next.length > 0 && bases.length < MOST_BASES;) {
      bases.push(...next.filter((each) => each !== id && !bases.includes(each)))
      next = next.flatMap(parents).filter((each) => !bases.includes(each))
    }
    // A model that is there tells what it inherits as well.
    const found = [id, ...bases].flatMap((each) => { const own = fresh.get(each); return own ? listOf(own['contents']).flatMap((content) => componentOf(content, each)) : models.get(each)?.contents ?? [] })
    const contents = [...new Map(found.map((each) => [each.name, each])).values()]
    return { id, displayName: textsOf(definition['displayName']), description: {}, dtdlVersion: 0, decommissioned: false, uploadTime: LAST, extends: parents(id), bases, contents }
  })
  return new Models(models.epoch, [...models.all, ...all])
}
