/** The structure of the sample building, as the server tells it. */
import type { LayoutEdge, LayoutNode } from '@/layout/types'
import sample from './sample.json'

interface Sample { readonly models: readonly string[]; readonly twins: readonly (readonly [string, number, string, number?])[]; readonly relationships: Readonly<Record<string, readonly number[]>> }

const { models, twins, relationships } = sample as unknown as Sample

export const nodes: readonly LayoutNode[] = twins.map(([id, model, label, level]) => ({ id, label, model: models[model] ?? '', ...(level !== undefined && { level }) }))

export const edges: readonly LayoutEdge[] = Object.entries(relationships).flatMap(([name, ends]) =>
  ends.flatMap((from, index) => (index % 2 === 0 ? [{ name, source: twins[from]?.[0] ?? '', target: twins[ends[index + 1] ?? -1]?.[0] ?? '' }] : [])))

/** A numbers' source that is the same each time. */
export function randomOf(seed: number): () => number {
  let state = seed
  return () => {
    state = (state * 1664525 + 1013904223) % 4294967296
    return state / 4294967296
  }
}

export function shuffled<T>(list: readonly T[], random: () => number): T[] {
  return list.map((each) => [random(), each] as const).sort(([one], [other]) => one - other).map(([, each]) => each)
}
