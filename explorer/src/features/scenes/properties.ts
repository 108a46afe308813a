/** Properties that a behaviour can show, of a model with its components and objects. */
import { type ResolvedContent, type ResolvedSchema, say } from '@/dtdl/model'
import type { Models } from '@/dtdl/models'

const DEEPEST = 4
const LARGE = new Set(['array', 'map', 'ref', 'point', 'multiPoint', 'lineString', 'multiLineString', 'polygon', 'multiPolygon'])

export interface Property { readonly path: string; readonly title: string; readonly schema: ResolvedSchema; readonly unit: string }

export function propertiesOf(models: Models, model: string): readonly Property[] {
  const found: Property[] = []
  const walk = (contents: readonly ResolvedContent[], path: readonly string[], place: string): void => {
    for (const content of contents) {
      const here = [...path, content.name]
      const name = say(content.displayName, content.name)
      const title = place === '' ? name : `${place}: ${name}`
      if (content.kind === 'component' && content.model !== undefined && here.length < DEEPEST) walk(models.get(content.model)?.contents ?? [], here, title)
      else if (content.kind === 'property' && content.schema?.kind === 'object' && here.length < DEEPEST) {
        walk(content.schema.fields.map((field): ResolvedContent => ({ ...content, name: field.name, displayName: field.displayName, description: field.description, schema: field.schema })), here, title)
      } else if (content.kind === 'property' && content.schema && !LARGE.has(content.schema.kind)) found.push({ path: here.join('.'), title, schema: content.schema, unit: content.unit?.symbol ?? '' })
    }
  }
  walk(models.get(model)?.contents ?? [], [], '')
  return found
}

/** The models that a behaviour could be of: those of the bound twins, and all that they inherit from. */
export function modelsFor(models: Models, bound: Iterable<string>): readonly string[] {
  const all = new Set<string>()
  for (const id of bound) {
    all.add(id)
    for (const base of models.get(id)?.bases ?? []) all.add(base)
  }
  return [...all].sort((one, other) => models.name(one).localeCompare(models.name(other)))
}
