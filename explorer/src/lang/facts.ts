/** What is known of a graph where queries are written, and what follows for the aliases of a query. */
import { type ResolvedContent, type ResolvedSchema, say, shortName } from '@/dtdl/model'
import { type Models, NO_MODELS } from '@/dtdl/models'
import type { Scope, Step } from './scope'

export interface Facts {
  readonly models: Models
  /** Twins exactly of a model. */
  readonly twins: ReadonlyMap<string, number>
  /** Relationships by name. */
  readonly relationships: ReadonlyMap<string, number>
  /** The server speaks the contract's language alone. */
  readonly strict: boolean
}

export const NO_FACTS: Facts = { models: NO_MODELS, twins: new Map(), relationships: new Map(), strict: false }

/** Something that a path may go on with. */
export interface Member {
  readonly name: string
  readonly kind: 'property' | 'component' | 'relationship' | 'system'
  /** `double`, `enum`, `Thermostat`, `Space → Sensor`. */
  readonly type: string
  readonly unit?: string
  readonly says?: string
  /** How many of the models have it. */
  readonly models: number
  /** How many there are: of relationships. */
  readonly count?: number
  readonly content?: ResolvedContent
}

const MOST_ROUNDS = 4

/** The models that twins of an alias may have; undefined: whichever. */
export function modelsOf(scope: Scope, alias: string, facts: Facts): ReadonlySet<string> | undefined {
  const found = new Map<string, ReadonlySet<string>>()
  for (const name of new Set([...scope.aliases.keys(), ''])) {
    const ids = scope.models.get(name) ?? (name === scope.from ? scope.models.get('') : undefined)
    if (ids) found.set(name, withHeirs(ids, facts.models))
  }
  for (let round = 0; round < MOST_ROUNDS; round += 1) {
    if (!scope.steps.some((step) => narrow(step, found, facts.models))) break
  }
  return found.get(alias)
}

function withHeirs(ids: readonly string[], models: Models): ReadonlySet<string> {
  return new Set(models.all.filter((model) => ids.some((id) => models.is(model.id, id) || isLater(model.id, id))).map((model) => model.id))
}

/** A later version counts as the model itself. */
function isLater(id: string, than: string): boolean {
  const [name, version] = id.split(';')
  const [other, least] = than.split(';')
  return name === other && Number(version) >= Number(least)
}

/** Learn from one relationship of the query; tells whether something is new. */
function narrow(step: Step, found: Map<string, ReadonlySet<string>>, models: Models): boolean {
  if (step.names.length === 0 || step.either) return false
  const sources = new Set<string>()
  const targets = new Set<string>()
  let anyTarget = false
  const known = found.get(step.from)
  for (const model of models.all) {
    if (known && !known.has(model.id)) continue
    for (const content of model.contents) {
      if (content.kind !== 'relationship' || !step.names.includes(content.name)) continue
      sources.add(model.id)
      if (content.target === undefined) anyTarget = true
      else targets.add(content.target)
    }
  }
  const one = sources.size > 0 && learn(found, step.from, sources)
  const other = !anyTarget && targets.size > 0 && learn(found, step.to, withHeirs([...targets], models))
  return one || other
}

function learn(found: Map<string, ReadonlySet<string>>, alias: string, ids: ReadonlySet<string>): boolean {
  const before = found.get(alias)
  if (!before) { found.set(alias, ids); return true }
  const both = new Set([...before].filter((id) => ids.has(id)))
  if (both.size === before.size || both.size === 0) return false
  found.set(alias, both)
  return true
}

export function typeOf(schema: ResolvedSchema | undefined): string {
  if (!schema) return ''
  switch (schema.kind) {
    case 'enum': return `enum(${schema.values.length})`
    case 'array': return `array of ${typeOf(schema.element)}`
    case 'map': return `map of ${typeOf(schema.value.schema)}`
    case 'ref': return shortName(schema.id)
    default: return schema.kind
  }
}

function memberOf(content: ResolvedContent, model: string, facts: Facts): Member {
  const unit = content.unit?.symbol ?? content.unit?.name
  const says = say(content.description, content.comment ?? '')
  const kind = content.kind === 'component' ? 'component' : content.kind === 'relationship' ? 'relationship' : 'property'
  const type = kind === 'component' ? facts.models.name(content.model ?? '')
    : kind === 'relationship' ? `${facts.models.name(content.definedBy || model)} → ${content.target === undefined ? '*' : facts.models.name(content.target)}`
      : typeOf(content.schema)
  const count = kind === 'relationship' ? facts.relationships.get(content.name) : undefined
  return { name: content.name, kind, type, models: 0, content, ...(unit !== undefined && { unit }), ...(says !== '' && { says }), ...(count !== undefined && { count }) }
}

const cache = new WeakMap<Facts, Map<string, readonly Member[]>>()

/** Contents of all these models, those that most of their twins have first. */
export function contentsOf(ids: ReadonlySet<string> | undefined, facts: Facts): readonly Member[] {
  const kept = cache.get(facts) ?? new Map<string, readonly Member[]>()
  cache.set(facts, kept)
  const key = ids === undefined ? '*' : [...ids].join('\n')
  const before = kept.get(key)
  if (before) return before
  const all = facts.models.all.filter((model) => !ids || ids.has(model.id))
  const found = new Map<string, { member: Member; models: number; weight: number }>()
  for (const model of all) {
    const weight = facts.twins.get(model.id) ?? 0
    for (const content of model.contents) {
      if (content.kind === 'telemetry' || content.kind === 'command') continue
      const known = found.get(content.name)
      if (known) { known.models += 1; known.weight += weight } else found.set(content.name, { member: memberOf(content, model.id, facts), models: 1, weight })
    }
  }
  const sorted = [...found.values()].sort((a, b) => b.weight - a.weight || b.models - a.models || a.member.name.localeCompare(b.member.name))
  const members = sorted.map(({ member, models }) => ({ ...member, models }))
  kept.set(key, members)
  return members
}

function system(name: string, type: string, says: string): Member { return { name, kind: 'system', type, says, models: 0 } }

export const OF_TWIN: readonly Member[] = [
  system('$dtId', 'string', 'The twin’s id.'), system('$metadata', 'object', 'Its model, and when each value was written.'), system('$etag', 'string', 'Changes with every write.'),
]
export const OF_METADATA: readonly Member[] = [system('$model', 'string', 'Id of the twin’s model.'), system('$lastUpdateTime', 'dateTime', 'When the twin was last written.')]
export const OF_RELATIONSHIP: readonly Member[] = [
  system('$relationshipName', 'string', 'The name that the model gives it.'), system('$relationshipId', 'string', 'The relationship’s id.'),
  system('$sourceId', 'string', 'Id of the twin that it starts from.'), system('$targetId', 'string', 'Id of the twin that it leads to.'), system('$etag', 'string', 'Changes with every write.'),
]
export const OF_MODEL: readonly Member[] = [
  system('id', 'string', 'The model’s DTMI.'), system('uploadTime', 'dateTime', 'When it was uploaded.'),
  system('decommissioned', 'boolean', 'Whether new twins of it are refused.'), system('model', 'object', 'The document as it was uploaded.'),
]

/** Properties of the relationships that an alias may be. */
function ofRelationships(scope: Scope, alias: string, facts: Facts): readonly Member[] {
  const names = scope.steps.filter((step) => step.by === alias).flatMap((step) => step.names)
  const found = new Map<string, Member>()
  for (const model of facts.models.all) for (const content of model.contents) {
    if (content.kind !== 'relationship' || (names.length > 0 && !names.includes(content.name))) continue
    for (const property of content.properties ?? []) if (!found.has(property.name)) found.set(property.name, memberOf(property, model.id, facts))
  }
  return [...found.values()]
}

/** What may stand behind an alias and a dot; relationships too, for whoever shows them. */
export function membersOf(scope: Scope, alias: string, facts: Facts): readonly Member[] {
  const kind = scope.aliases.get(alias) ?? scope.collection
  if (kind === 'model') return OF_MODEL
  if (kind === 'relationship') return [...ofRelationships(scope, alias, facts), ...OF_RELATIONSHIP]
  return [...contentsOf(modelsOf(scope, alias, facts), facts), ...OF_TWIN]
}

/** What may stand behind a path and a dot. */
export function membersAt(scope: Scope, alias: string, path: readonly string[], facts: Facts): readonly Member[] {
  let members = membersOf(scope, alias, facts)
  for (const [index, name] of path.entries()) {
    if (name === '$metadata') { members = index === 0 ? OF_METADATA : [OF_METADATA[1]].filter((each) => each !== undefined); continue }
    const member = members.find((each) => each.name === name)
    if (!member?.content) return []
    members = inside(member.content, facts)
  }
  return members
}

function inside(content: ResolvedContent, facts: Facts): readonly Member[] {
  if (content.kind === 'component' && content.model !== undefined) return [...contentsOf(new Set([content.model]), facts), system('$metadata', 'object', 'When each value was written.')]
  const { schema } = content
  if (schema?.kind !== 'object' && schema?.kind !== 'scaledDecimal') return []
  return schema.fields.map((field) => {
    const says = say(field.description, '')
    return { name: field.name, kind: 'property' as const, type: typeOf(field.schema), models: 0, ...(says !== '' && { says }), content: { ...content, kind: 'property' as const, name: field.name, schema: field.schema, description: field.description, displayName: field.displayName } }
  })
}

/** The member that a whole path means. */
export function memberAt(scope: Scope, alias: string, path: readonly string[], facts: Facts): Member | undefined {
  return membersAt(scope, alias, path.slice(0, -1), facts).find((each) => each.name === path.at(-1))
}
