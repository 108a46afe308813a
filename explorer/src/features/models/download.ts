/** Models as files: one list, or a folder of them. */
import { zipSync } from 'fflate'
import { pages } from '@/api/pages'
import { isObject, type Json, type JsonObject, writeJson } from '@/api/json'
import { saveBlob } from '@/ui/download'
import { readDefinition } from './data'

interface Stored { readonly id: string; readonly model?: Json }

/** So many are asked for one by one; more by pages of all. */
const FEW = 10
const PAGE = 200

/** Read the DTDL of models; of all where none are named. */
export async function readDefinitions(graph: string, ids: readonly string[] | undefined, at: string | undefined): Promise<readonly JsonObject[]> {
  if (ids && ids.length <= FEW) return Promise.all(ids.map((id) => readDefinition(graph, id, at)))
  const wanted = ids && new Set(ids)
  const found: JsonObject[] = []
  for await (const { data } of pages<Stored>(graph, { path: '/models', query: { includeModelDefinition: true }, at, headers: { 'max-items-per-page': String(PAGE) } })) {
    for (const each of data.value) if ((!wanted || wanted.has(each.id)) && isObject(each.model)) found.push(each.model)
  }
  return found
}

function idOf(definition: JsonObject): string { return typeof definition['@id'] === 'string' ? definition['@id'] : 'model' }

/** Where a model stands in a folder, as repositories of models have it: `dtmi/com/example/room-1.json`. */
export function placeOf(id: string): string { return `${id.toLowerCase().replaceAll(':', '/').replace(';', '-')}.json` }

/** Several of one place, which differ in case alone, are kept apart. */
export function folderOf(definitions: readonly JsonObject[]): Readonly<Record<string, string>> {
  const files: Record<string, string> = {}
  for (const definition of definitions) {
    const place = placeOf(idOf(definition))
    let name = place
    for (let n = 2; Object.hasOwn(files, name); n += 1) name = place.replace(/\.json$/, `~${n}.json`)
    files[name] = writeJson(definition, 2)
  }
  return files
}

/** A list that an upload takes as it is. */
export function listText(definitions: readonly JsonObject[]): string { return `${writeJson(definitions, 2)}\n` }

export async function downloadModel(graph: string, id: string, at: string | undefined): Promise<void> {
  saveBlob(`${writeJson(await readDefinition(graph, id, at), 2)}\n`, `${id.replaceAll(/[:;]/g, '_')}.json`)
}

/** Download models as one list or as a folder; all of them where none are named. */
export async function downloadModels(graph: string, ids: readonly string[] | undefined, form: 'list' | 'folder', at: string | undefined): Promise<void> {
  const definitions = await readDefinitions(graph, ids, at)
  if (form === 'list') { saveBlob(listText(definitions), `${graph}-models.json`); return }
  const encoder = new TextEncoder()
  const bytes = zipSync(Object.fromEntries(Object.entries(folderOf(definitions)).map(([name, text]) => [name, encoder.encode(text)])))
  saveBlob(new Blob([new Uint8Array(bytes)], { type: 'application/zip' }), `${graph}-models.zip`)
}
