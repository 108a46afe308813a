import { strFromU8, unzipSync } from 'fflate'
import { isObject, type Json, type JsonObject, parseJson, sameJson } from '@/api/json'
import type { Models } from '@/dtdl/models'
import { readDefinition } from './data'
import { faultOf } from './fault'
import { elementsOf } from './spans'

/** One model of an upload, and where it stood. */
export interface Candidate {
  readonly id: string
  readonly model: Json
  readonly file: string
  /** All of its file, and where in it the model stands. */
  readonly text: string
  readonly from: number
  readonly to: number
  readonly state: 'new' | 'same' | 'changed' | 'unnamed' | 'twice'
  /** Models that it needs and that are neither here nor there. */
  readonly missing: readonly string[]
}

export interface Unread {
  readonly file: string
  readonly reason: string
  /** What it is, where it can be mended, and where it stops being JSON. */
  readonly text?: string
  readonly offset?: number
}
export interface ReadFiles { readonly texts: readonly { readonly file: string; readonly text: string }[]; readonly unread: readonly Unread[] }

const MOST_BYTES = 32_000_000
const MOST_FILES = 5000
const AT_ONCE = 8

/** Unpacked here: fflate's worker is a blob, which the page's policy does not let in. */
function unzipped(bytes: Uint8Array): Record<string, Uint8Array> {
  let size = 0
  return unzipSync(bytes, { filter: (file) => { size += file.originalSize; return size <= MOST_BYTES && /\.json$/i.test(file.name) && !file.name.startsWith('__MACOSX') } })
}

/** Read files and archives; what is no JSON file is named, not dropped. */
export async function readFiles(files: readonly File[]): Promise<ReadFiles> {
  const texts: { file: string; text: string }[] = []
  const unread: Unread[] = []
  let size = 0
  for (const file of files.slice(0, MOST_FILES)) {
    const name = file.webkitRelativePath || file.name
    size += file.size
    if (size > MOST_BYTES) unread.push({ file: name, reason: 'too-large' })
    else if (/\.zip$/i.test(file.name)) {
      try {
        for (const [inner, bytes] of Object.entries(unzipped(new Uint8Array(await file.arrayBuffer())))) texts.push({ file: `${name}/${inner}`, text: strFromU8(bytes) })
      } catch {
        unread.push({ file: name, reason: 'no-archive' })
      }
    } else if (/\.json$/i.test(file.name)) texts.push({ file: name, text: await file.text() })
    else unread.push({ file: name, reason: 'no-json' })
  }
  files.slice(MOST_FILES).forEach((file) => unread.push({ file: file.name, reason: 'too-many' }))
  return { texts, unread }
}

/** Ids that a model extends, or has as components. */
function needsOf(model: JsonObject): readonly string[] {
  const list = (value: Json | undefined): readonly Json[] => (Array.isArray(value) ? value as readonly Json[] : value === undefined ? [] : [value])
  const bases = list(model['extends'])
  const parts = list(model['contents']).flatMap((each) => (isObject(each) && list(each['@type']).includes('Component') ? list(each['schema']) : []))
  return [...bases, ...parts].filter((each): each is string => typeof each === 'string' && each.startsWith('dtmi:'))
}

/** Take the models out of texts: each is one model or a list. Says which are there already, word for word or not. */
export function candidatesOf(texts: ReadFiles['texts'], models: Models, definitions: ReadonlyMap<string, JsonObject>): { readonly all: readonly Candidate[]; readonly unread: readonly Unread[] } {
  const unread: Unread[] = []
  const found: Omit<Candidate, 'state' | 'missing'>[] = []
  for (const { file, text: written } of texts) {
    const text = written.replace(/^\uFEFF/, '')
    try {
      const read = parseJson(text)
      const spans = elementsOf(text);
      (Array.isArray(read) ? read as readonly Json[] : [read]).forEach((model, index) => {
        found.push({ file, id: isObject(model) && typeof model['@id'] === 'string' ? model['@id'] : '', model, text, from: 0, to: text.length, ...spans[index] })
      })
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error)
      const offset = faultOf(text)
      unread.push({ file, reason, text, ...(offset !== undefined && { offset }) })
    }
  }
  const ids = new Set(found.map((each) => each.id))
  const seen = new Map<string, Json>()
  const all = found.map((each): Candidate => {
    const { id, model } = each
    const before = seen.get(id)
    if (id !== '') seen.set(id, model)
    const there = definitions.get(id)
    const state = id === '' ? 'unnamed' : before !== undefined ? 'twice' : !models.get(id) ? 'new' : there && sameJson(there, model) ? 'same' : 'changed'
    const missing = isObject(model) ? needsOf(model).filter((need) => !ids.has(need) && !models.get(need)) : []
    return { ...each, state, missing }
  })
  return { all, unread }
}

/** Read what the server has of models that are about to be sent. */
export async function definitionsOf(graph: string, models: Models, ids: readonly string[]): Promise<ReadonlyMap<string, JsonObject>> {
  const known = [...new Set(ids)].filter((id) => models.get(id))
  const found = new Map<string, JsonObject>()
  for (let at = 0; at < known.length; at += AT_ONCE) {
    const some = known.slice(at, at + AT_ONCE)
    const read = await Promise.all(some.map((id) => readDefinition(graph, id)))
    some.forEach((id, index) => { const definition = read[index]; if (definition) found.set(id, definition) })
  }
  return found
}
