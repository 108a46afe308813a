/** What may be related to what, as the models say. Pure. */
import type { JsonObject } from '@/api/json'
import type { ResolvedContent } from '@/dtdl/model'
import type { Models } from '@/dtdl/models'

export function relationshipsOf(models: Models, model: string): readonly ResolvedContent[] {
  return (models.get(model)?.contents ?? []).filter((each) => each.kind === 'relationship')
}

/** Relationships that a model has to another one. */
export function allowed(models: Models, source: string, target: string): readonly ResolvedContent[] {
  return relationshipsOf(models, source).filter((each) => each.target === undefined || models.is(target, each.target))
}

export interface Way { readonly name: string; /** From the thing around to the thing within. */ readonly down: boolean }

const PRIORS: readonly (readonly [RegExp, number])[] = [
  [/^(?:has)?parts?$|contains|partof|ispartof/i, 1], [/locatedin/i, 0.9], [/^has/i, 0.8], [/observes|pointof|measures/i, 0.6], [/serves|feeds|controls/i, 0.35],
]

function prior(name: string): number { return PRIORS.find(([pattern]) => pattern.test(name))?.[1] ?? 0.1 }

/** How a twin of one model can lie in one of another: the likeliest first. */
export function waysInto(models: Models, inner: string, outer: string): readonly Way[] {
  const down = allowed(models, outer, inner).map(({ name }) => ({ name, down: true }))
  const up = allowed(models, inner, outer).map(({ name }) => ({ name, down: false }))
  return [...down, ...up].sort((one, other) => prior(other.name) - prior(one.name))
}

const DEEPEST = 8

/** The components that a twin has to have, empty, by name. */
export function components(models: Models, model: string, depth = 0): JsonObject {
  const all = (models.get(model)?.contents ?? []).filter((each) => each.kind === 'component')
  return Object.fromEntries(all.map((each) => [each.name, { ...(depth < DEEPEST && each.model !== undefined ? components(models, each.model, depth + 1) : {}), $metadata: {} }]))
}
