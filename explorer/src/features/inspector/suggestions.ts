/** Questions that the models of a graph make likely. Pure. */
import { INTEGERS, REALS, type ResolvedContent } from '@/dtdl/model'
import type { Models } from '@/dtdl/models'

export interface Suggestion { readonly kind: 'highest' | 'all' | 'related'; readonly query: string; readonly values: Readonly<Record<string, string>> }

/** Time that has run is no question anybody has. */
const DULL = new Set(['TimeSpan'])
const NUMERIC = new Set<string>([...INTEGERS, ...REALS])

function measured(models: Models, model: string): { readonly path: string; readonly content: ResolvedContent } | undefined {
  for (const content of models.get(model)?.contents ?? []) {
    if (content.kind === 'property' && content.schema && NUMERIC.has(content.schema.kind) && content.unit && !content.semanticTypes.some((each) => DULL.has(each))) return { path: content.name, content }
    if (content.kind !== 'component' || content.model === undefined) continue
    const inner = (models.get(content.model)?.contents ?? []).find((each) => each.kind === 'property' && each.writable !== true && each.schema && NUMERIC.has(each.schema.kind) && each.unit)
    if (inner) return { path: `${content.name}.${inner.name}`, content: inner }
  }
  return undefined
}

/** Three queries: who has most of something, all of a kind, what hangs on what. */
export function suggestions(models: Models, counts: ReadonlyMap<string, number>): readonly Suggestion[] {
  const common = [...counts].filter(([id]) => models.get(id)).sort(([, one], [, other]) => other - one).map(([id]) => id)
  const withValue = common.map((id) => ({ id, found: measured(models, id) })).find((each) => each.found)
  const tied = common.flatMap((id) => (models.get(id)?.contents ?? []).filter((each) => each.kind === 'relationship').map((each) => ({ id, name: each.name })))[0]
  const first = common[0]
  return [
    ...(withValue?.found ? [{ kind: 'highest' as const, values: { model: models.name(withValue.id), property: withValue.found.content.displayName['en'] ?? withValue.found.path },
      query: `SELECT TOP(10) T.$dtId, T.name, T.${withValue.found.path}\nFROM DIGITALTWINS T\nWHERE IS_OF_MODEL(T, '${withValue.id}')\nORDER BY T.${withValue.found.path} DESC` }] : []),
    ...(first === undefined ? [] : [{ kind: 'all' as const, values: { model: models.name(first) }, query: `SELECT *\nFROM DIGITALTWINS T\nWHERE IS_OF_MODEL(T, '${first}')` }]),
    ...(tied ? [{ kind: 'related' as const, values: { model: models.name(tied.id), name: tied.name }, query: `SELECT T.$dtId, other.$dtId AS other\nFROM DIGITALTWINS T\nJOIN other RELATED T.${tied.name}\nWHERE IS_OF_MODEL(T, '${tied.id}')` }] : []),
  ]
}
