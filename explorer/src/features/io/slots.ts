/** Where values go in twins of a model: the columns of a table that holds them. */
import { type ResolvedContent, type ResolvedSchema, say, type Texts } from '@/dtdl/model'
import type { Models } from '@/dtdl/models'

export interface Slot {
  /** `thermostat.setPoint`, as titles of columns say it. */
  readonly path: string
  readonly schema: ResolvedSchema
  readonly displayName: Texts
  readonly description: Texts
  readonly unit?: string
}

/** Levels of objects whose fields have columns of their own, the same as the command's. */
const MOST_FLAT = 4
const MOST_SLOTS = 2000

function flat(path: string, schema: ResolvedSchema, texts: Pick<Slot, 'displayName' | 'description' | 'unit'>, depth: number): readonly Slot[] {
  if (schema.kind !== 'object' || depth >= MOST_FLAT || schema.fields.length === 0) return [{ path, schema, ...texts }]
  return schema.fields.flatMap((field) => flat(`${path}.${field.name}`, field.schema, { displayName: field.displayName, description: field.description }, depth + 1))
}

/** Slots of properties, fields of objects on their own. */
export function slotsOfProperties(contents: readonly ResolvedContent[], before = ''): readonly Slot[] {
  return contents.flatMap((each) => (each.kind === 'property' && each.schema ? flat(`${before}${each.name}`, each.schema, { displayName: each.displayName, description: each.description, ...(each.unit && { unit: each.unit.symbol ?? each.unit.name }) }, 0) : []))
}

/** Slots of a model's twins, those of components among them. */
export function slotsOf(models: Models, model: string): readonly Slot[] {
  const found = (models.get(model)?.contents ?? []).flatMap((each) => (
    each.kind === 'component' && each.model !== undefined ? slotsOfProperties(models.get(each.model)?.contents ?? [], `${each.name}.`) : slotsOfProperties([each])
  ))
  return found.slice(0, MOST_SLOTS)
}

/** Properties of the relationships of a name, or of all; of one model's, or of all. */
export function propertiesOfRelationships(models: Models, { name, model }: { readonly name?: string; readonly model?: string | undefined }): readonly ResolvedContent[] {
  const of = model === undefined ? models.all : models.all.filter((each) => each.id === model)
  const found = new Map<string, ResolvedContent>()
  for (const each of of) for (const content of each.contents) {
    if (content.kind !== 'relationship' || (name !== undefined && content.name !== name)) continue
    for (const property of content.properties ?? []) if (!found.has(property.name)) found.set(property.name, { ...property, kind: 'property' })
  }
  return [...found.values()]
}

/** The slot that a title means, in whatever case, or by the name that people call it. */
export function slotNamed(slots: readonly Slot[], title: string): Slot | undefined {
  const wanted = title.trim().toLowerCase()
  if (wanted === '') return undefined
  const named = slots.filter((each) => say(each.displayName, '').toLowerCase() === wanted)
  return slots.find((each) => each.path === title.trim()) ?? slots.find((each) => each.path.toLowerCase() === wanted) ?? (named.length === 1 ? named[0] : undefined)
}
