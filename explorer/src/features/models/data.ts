import { useQuery, type UseQueryResult } from '@tanstack/react-query'
import { send, path } from '@/api/http'
import { isObject, type Json, type JsonObject } from '@/api/json'
import { queryPages } from '@/api/pages'
import type { Models } from '@/dtdl/models'
import { useGraph, useMay } from '@/state/graph'

export interface Counts {
  /** Twins exactly of a model. */
  readonly own: ReadonlyMap<string, number>
  /** Relationships by name. */
  readonly relationships: ReadonlyMap<string, number>
}

const BY_MODEL = 'SELECT T.$metadata.$model AS name, COUNT() AS n FROM DIGITALTWINS T GROUP BY T.$metadata.$model'
const BY_NAME = 'SELECT R.$relationshipName AS name, COUNT() AS n FROM RELATIONSHIPS R GROUP BY R.$relationshipName'

async function counted(graph: string, query: string, at: string | undefined, signal: AbortSignal): Promise<ReadonlyMap<string, number>> {
  const found = new Map<string, number>()
  for await (const { data } of queryPages(graph, { query, at, signal })) for (const row of data.value) {
    if (isObject(row) && typeof row['name'] === 'string' && typeof row['n'] === 'number') found.set(row['name'], row['n'])
  }
  return found
}

/** How many twins and relationships there are, by model and name. */
export function useCounts(): UseQueryResult<Counts> {
  const { name, at } = useGraph()
  const may = useMay()
  return useQuery({
    queryKey: [name, 'counts', at], enabled: may('query/action'), staleTime: 30_000,
    queryFn: async ({ signal }) => {
      const [own, relationships] = await Promise.all([counted(name, BY_MODEL, at, signal), counted(name, BY_NAME, at, signal)])
      return { own, relationships }
    },
  })
}

/** Twins of a model and of all that inherit from it. */
export function countWithin(models: Models, counts: Counts | undefined, id: string): number {
  return models.all.reduce((sum, model) => sum + (models.is(model.id, id) ? counts?.own.get(model.id) ?? 0 : 0), 0)
}

/** The DTDL of a model as it was uploaded. */
export function useDefinition(id: string | undefined): UseQueryResult<JsonObject> {
  const { name, at } = useGraph()
  return useQuery({
    queryKey: [name, 'models', 'definition', id, at], enabled: id !== undefined, staleTime: Infinity,
    queryFn: async ({ signal }) => readDefinition(name, id ?? '', at, signal),
  })
}

export async function readDefinition(graph: string, id: string, at?: string, signal?: AbortSignal): Promise<JsonObject> {
  const { data } = await send(graph, { path: path('/models/{id}', { id }), query: { includeModelDefinition: true }, at, signal })
  const model: Json | undefined = isObject(data) ? data['model'] : undefined
  return isObject(model) ? model : {}
}

export interface TreeNode { readonly id: string; readonly depth: number; readonly key: string; readonly hasChildren: boolean; readonly again: boolean }

/** The models under those that they extend, each under every parent (design 5.3). `open` holds keys: a model can stand in several places. */
export function treeOf(models: Models, open: ReadonlySet<string>, matches: (id: string) => boolean): readonly TreeNode[] {
  const wanted = new Set<string>()
  for (const model of models.all) if (matches(model.id)) [model.id, ...model.bases].forEach((id) => wanted.add(id))
  const rows: TreeNode[] = []
  const seen = new Set<string>()
  const walk = (id: string, depth: number, parent: string): void => {
    const key = `${parent}>${id}`
    const children = models.children(id).filter((each) => wanted.has(each))
    rows.push({ id, depth, key, hasChildren: children.length > 0, again: seen.has(id) })
    seen.add(id)
    if (open.has(key)) for (const child of sortedByName(models, children)) walk(child, depth + 1, key)
  }
  const roots = models.all.filter((model) => model.extends.every((base) => !models.get(base)) && wanted.has(model.id))
  for (const root of sortedByName(models, roots.map((model) => model.id))) walk(root, 0, '')
  return rows
}

/** Models that are only parts of others: no twins, no heirs, nothing that they extend. */
export function partsOf(models: Models, counts: Counts | undefined): ReadonlySet<string> {
  const held = new Set(models.all.flatMap((model) => model.contents.flatMap((each) => (each.kind === 'component' && each.model !== undefined && each.model !== model.id ? [each.model] : []))))
  return new Set([...held].filter((id) => models.children(id).length === 0 && models.get(id)?.extends.length === 0 && (counts?.own.get(id) ?? 0) === 0))
}

export function sortedByName(models: Models, ids: readonly string[]): string[] {
  return [...ids].sort((one, other) => models.name(one).localeCompare(models.name(other)) || one.localeCompare(other))
}

/** All keys of a tree, so that it is open to its leaves. */
export function allKeys(models: Models): ReadonlySet<string> {
  const keys = new Set<string>()
  const walk = (id: string, parent: string): void => {
    const key = `${parent}>${id}`
    keys.add(key)
    models.children(id).forEach((child) => { walk(child, key) })
  }
  models.all.filter((model) => model.extends.every((base) => !models.get(base))).forEach((model) => { walk(model.id, '') })
  return keys
}
