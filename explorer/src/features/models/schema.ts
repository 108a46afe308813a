import { type ResolvedContent, type ResolvedSchema, say } from '@/dtdl/model'

/** A schema in a few words: `double`, `enum (7)`, `array of string`, `map of integer`. */
export function describe(schema: ResolvedSchema | undefined): string {
  if (!schema) return ''
  switch (schema.kind) {
    case 'enum': return `enum (${schema.values.length})`
    case 'object': case 'scaledDecimal': return `${schema.kind} (${schema.fields.length})`
    case 'array': return `array of ${describe(schema.element)}`
    case 'map': return `map of ${describe(schema.value.schema)}`
    case 'ref': return schema.id
    default: return schema.kind
  }
}

export interface Inner { readonly name: string; readonly is: string; readonly text: string; readonly depth: number }

const DEEPEST = 5

/** What a schema is made of, for the rows that open: what is in objects stands below them. */
export function innerOf(schema: ResolvedSchema | undefined, depth = 0): readonly Inner[] {
  if (!schema || depth > DEEPEST) return []
  switch (schema.kind) {
    case 'enum': return schema.values.map((each) => ({ name: say(each.displayName, each.name), is: String(each.value), text: say(each.description, ''), depth }))
    case 'object': case 'scaledDecimal': return schema.fields.flatMap((each) => [{ name: each.name, is: describe(each.schema), text: say(each.description, ''), depth }, ...innerOf(each.schema, depth + 1)])
    case 'array': return innerOf(schema.element, depth)
    case 'map': return [{ name: schema.key.name, is: 'string', text: '', depth }, { name: schema.value.name, is: describe(schema.value.schema), text: '', depth }, ...innerOf(schema.value.schema, depth + 1)]
    default: return []
  }
}

export interface Difference { readonly name: string; readonly what: 'added' | 'removed' | 'changed'; readonly before?: ResolvedContent; readonly after?: ResolvedContent }

/** Tell what differs between what two models contain, by name. */
export function compareContents(before: readonly ResolvedContent[], after: readonly ResolvedContent[]): readonly Difference[] {
  const names = [...new Set([...before, ...after].map((each) => each.name))]
  return names.flatMap((name): Difference[] => {
    const one = before.find((each) => each.name === name)
    const other = after.find((each) => each.name === name)
    if (one && other && sameMeaning(one, other)) return []
    return [{ name, what: !one ? 'added' : !other ? 'removed' : 'changed', ...(one && { before: one }), ...(other && { after: other }) }]
  })
}

/** Whether values of one are values of the other: texts for people do not count. */
function sameMeaning(one: ResolvedContent, other: ResolvedContent): boolean {
  const bare = (each: ResolvedContent): string => JSON.stringify({ ...each, definedBy: '', displayName: {}, description: {}, comment: '' }, (key, value: unknown) => (key === 'displayName' || key === 'description' ? undefined : value))
  return bare(one) === bare(other)
}
