/** What differs between two states, as the server tells it line by line. */
import { isObject, type Json, type JsonObject, parseJson, splitPointer } from '@/api/json'
import { differences, type Path, valueAt } from '@/parts/values/patch'

export type What = 'added' | 'removed' | 'changed'

export interface Difference {
  readonly kind: 'model' | 'twin' | 'relationship'
  readonly id: string
  readonly source: string | undefined
  readonly what: What
  readonly changes: readonly Change[]
}

export interface Change { readonly path: Path; readonly before: Json | undefined; readonly after: Json | undefined }

export interface Differences { readonly list: readonly Difference[]; readonly more: boolean }

const MOST_CHANGES = 50

const TELLING = new Set(['$metadata', '$metadata/$model', '$targetId'])

/** What the server keeps by itself, such as times; of which model a twin is tells something. */
function isServers(path: Path): boolean { return path.some((part) => part.startsWith('$')) && !TELLING.has(path.join('/')) }

function changesOf(line: JsonObject): readonly Change[] {
  const { before, after, patch } = line
  if (isObject(before) && isObject(after)) return differences(before, after, isServers).map((path) => ({ path, before: valueAt(before, path), after: valueAt(after, path) }))
  if (!Array.isArray(patch)) return []
  return (patch as readonly Json[]).flatMap((each): Change[] => {
    if (!isObject(each) || typeof each['path'] !== 'string') return []
    const path = splitPointer(each['path'])
    return isServers(path) ? [] : [{ path, before: undefined, after: each['value'] }]
  })
}

/** Read one line; undefined where it is none. */
export function differenceOf(line: Json): Difference | undefined {
  if (!isObject(line)) return undefined
  const { kind, id, source, what } = line
  if ((kind !== 'model' && kind !== 'twin' && kind !== 'relationship') || typeof id !== 'string' || (what !== 'added' && what !== 'removed' && what !== 'changed')) return undefined
  return { kind, id, what, source: typeof source === 'string' ? source : undefined, changes: changesOf(line).slice(0, MOST_CHANGES) }
}

/** Read lines until there are enough; what comes then is not waited for. */
export async function readDifferences(response: Response, most: number): Promise<Differences> {
  const list: Difference[] = []
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader()
  let rest = ''
  for (;;) {
    const part = await reader?.read()
    const lines = (rest + (part?.value ?? '')).split('\n')
    rest = part?.done === false ? lines.pop() ?? '' : ''
    for (const line of lines) {
      const found = line.trim() === '' ? undefined : differenceOf(parseJson(line))
      if (!found) continue
      if (list.length >= most) { await reader?.cancel(); return { list, more: true } }
      list.push(found)
    }
    if (part?.done !== false) return { list, more: false }
  }
}

/** As the graph and addresses name it: a twin's id, or `source/id`. */
export function keyOf(difference: Difference): string { return difference.source === undefined ? difference.id : `${difference.source}/${difference.id}` }

/** What the graph marks; only times differ of what has no changes. */
export function marksOf(list: readonly Difference[]): ReadonlyMap<string, What> {
  return new Map(list.flatMap((each): [string, What][] => (each.kind === 'model' || isOnlyTimes(each) ? [] : [[keyOf(each), each.what]])))
}

export function isOnlyTimes(difference: Difference): boolean { return difference.kind !== 'model' && difference.what === 'changed' && difference.changes.length === 0 }

export function countsOf(list: readonly Difference[]): Readonly<Record<What, number>> {
  const counts = { added: 0, removed: 0, changed: 0 }
  for (const each of list) counts[each.what] += 1
  return counts
}
