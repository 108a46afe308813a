/** What becomes of the twins and relationships that a preview draws: beside what the graph has, and by what the check says. */
import { isObject, type JsonObject, sameJson, type Json } from '@/api/json'
import type { StructureEdge } from '@/parts/structure/structure'
import type { Contents } from './contents'

export type Became = 'new' | 'changed' | 'unchanged' | 'refused'

/** Values alone: what a server adds does not count, and a component that is there and one that is empty are the same. */
function valuesOf(twin: JsonObject): JsonObject {
  const values = Object.entries(twin).filter(([name]) => !name.startsWith('$')).map(([name, value]): [string, Json] => [name, isObject(value) && '$metadata' in value ? valuesOf(value) : value])
  return Object.fromEntries(values.filter(([, value]) => !(isObject(value) && Object.keys(value).length === 0)))
}

function modelOf(twin: JsonObject): Json | undefined { const metadata = twin['$metadata']; return isObject(metadata) ? metadata['$model'] : undefined }

/** Whether writing one over the other changes nothing. */
export function sameTwin(before: JsonObject, after: JsonObject): boolean {
  return modelOf(before) === modelOf(after) && sameJson(valuesOf(before), valuesOf(after))
}

/** By twin and key of a line. `there` are twins as the graph has them, `lines` keys of its relationships. */
export function becameOf(contents: Contents, there: ReadonlyMap<string, JsonObject>, lines: ReadonlyMap<string, StructureEdge>, refused: Iterable<number>): ReadonlyMap<string, Became> {
  const became = new Map<string, Became>()
  for (const [id, twin] of contents.twins) {
    const before = there.get(id)
    became.set(id, !before ? 'new' : sameTwin(before, twin) ? 'unchanged' : 'changed')
  }
  for (const [key, edge] of contents.edges) {
    const before = lines.get(key)
    became.set(key, !before ? 'new' : before.target === edge.target && before.name === edge.name ? 'unchanged' : 'changed')
  }
  for (const line of refused) {
    const key = contents.keys.get(line)
    if (key !== undefined) became.set(key, 'refused')
  }
  return became
}

const MARKS = { new: 'added', changed: 'changed', refused: 'removed' } as const

/** As the graph marks differences. */
export function marksOf(became: ReadonlyMap<string, Became>): ReadonlyMap<string, 'added' | 'changed' | 'removed'> {
  return new Map([...became].flatMap(([key, what]) => (what === 'unchanged' ? [] : [[key, MARKS[what]] as const])))
}
