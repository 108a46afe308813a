/** What a model says a document may hold, in the order of the inspector: its own, then by ancestor, then components. Pure. */
import { isObject, type JsonObject } from '@/api/json'
import { type ResolvedContent, type ResolvedSchema, say, type Texts } from '@/dtdl/model'
import type { Models } from '@/dtdl/models'
import type { Path } from './patch'
import { isLarge } from './show'

export interface Row {
  readonly name: string
  readonly displayName: Texts
  readonly description: Texts
  readonly schema: ResolvedSchema
  readonly unit: ResolvedContent['unit']
  readonly path: Path
}

export interface Group {
  readonly key: string
  readonly kind: 'own' | 'from' | 'component'
  /** The ancestor, or the component, as it is called. */
  readonly title: string
  readonly path: Path
  readonly rows: readonly Row[]
  readonly groups: readonly Group[]
}

const DEEPEST = 8

export function rowsOf(contents: readonly ResolvedContent[], path: Path): readonly Row[] {
  const rows = contents.flatMap(({ kind, name, displayName, description, schema, unit }): Row[] =>
    (kind === 'property' && schema ? [{ name, displayName, description, schema, unit, path: [...path, name] }] : []))
  return [...rows.filter((row) => !isLarge(row.schema)), ...rows.filter((row) => isLarge(row.schema))]
}

export function groupsOf(models: Models, model: string, path: Path = [], depth = 0): readonly Group[] {
  const contents = models.get(model)?.contents ?? []
  const origins = [...new Set(contents.map((each) => each.definedBy))]
  const values = origins.map((origin): Group => ({
    key: [...path, `:${origin}`].join('.'), kind: origin === model ? 'own' : 'from', title: models.name(origin), path,
    rows: rowsOf(contents.filter((each) => each.definedBy === origin), path), groups: [],
  }))
  const components = depth >= DEEPEST ? [] : contents.flatMap((each): Group[] => {
    if (each.kind !== 'component' || each.model === undefined) return []
    const here = [...path, each.name]
    const groups = groupsOf(models, each.model, here, depth + 1)
    return [{ key: here.join('.'), kind: 'component', title: say(each.displayName, each.name), path: here, rows: groups.filter((group) => group.kind !== 'component').flatMap((group) => group.rows), groups: groups.filter((group) => group.kind === 'component') }]
  })
  return [...values.filter((group) => group.rows.length > 0), ...components]
}

export function countRows(groups: readonly Group[]): number {
  return groups.reduce((sum, group) => sum + group.rows.length + countRows(group.groups), 0)
}

/** Rows whose name or display name has the text in it. */
export function filtered(groups: readonly Group[], text: string): readonly Group[] {
  const wanted = text.trim().toLowerCase()
  if (wanted === '') return groups
  return groups.map((group) => ({
    ...group, groups: filtered(group.groups, text),
    rows: group.rows.filter((row) => row.path.join('.').toLowerCase().includes(wanted) || say(row.displayName, '').toLowerCase().includes(wanted)),
  })).filter((group) => group.rows.length > 0 || group.groups.length > 0)
}

/** When a value was written last, as the document's metadata tells. */
export function writtenAt(document: JsonObject, path: Path): string | undefined {
  let here: JsonObject = document
  for (let depth = 0; depth < path.length; depth += 1) {
    const metadata = here['$metadata']
    const entry = isObject(metadata) ? metadata[path[depth] ?? ''] : undefined
    if (isObject(entry) && typeof entry['lastUpdateTime'] === 'string') return entry['lastUpdateTime']
    const next = here[path[depth] ?? '']
    if (!isObject(next)) return undefined
    here = next
  }
  return undefined
}

/** Members of a document that its model does not know. */
export function unknownMembers(models: Models, model: string, document: JsonObject): readonly string[] {
  const known = new Set((models.get(model)?.contents ?? []).map((each) => each.name))
  return Object.keys(document).filter((name) => !name.startsWith('$') && !known.has(name))
}
