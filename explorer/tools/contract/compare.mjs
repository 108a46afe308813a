/** Compares a type of the app with a schema of the server: whatever the schema allows, the type has to expect. */
import { typeNamed, valueNamed } from './source.mjs'

const KEYWORDS = { TSStringKeyword: ['string'], TSNumberKeyword: ['integer', 'number'], TSBooleanKeyword: ['boolean'], TSNullKeyword: ['null'], TSUndefinedKeyword: [] }
const ANYTHING = new Set(['TSAnyKeyword', 'TSUnknownKeyword'])
/** What an answer is only for those who ask otherwise than the app: it has values of a series in buckets. */
const NOT_ASKED_FOR = new Set(['SeriesValue'])
const LISTS = new Set(['Array', 'ReadonlyArray'])

/** What a schema allows, one after the other, each without a choice at its top. */
function* alternatives(schemas, given) {
  const schema = given.$ref ? schemas[given.$ref.split('/').at(-1)] : given
  if (schema === undefined) throw new Error(`The description has no ${given.$ref}`)
  const { oneOf, anyOf, allOf, type, enum: values, const: value, ...rest } = schema
  if (oneOf ?? anyOf) for (const each of (oneOf ?? anyOf).filter((form) => !NOT_ASKED_FOR.has(form.$ref?.split('/').at(-1)))) yield* alternatives(schemas, merged([{ ...rest, ...(type && { type }) }, each], schemas))
  else if (allOf) yield* alternatives(schemas, merged([{ ...rest, ...(type && { type }) }, ...allOf], schemas))
  else if (values || 'const' in schema) for (const each of values ?? [value]) yield { type: each === null ? 'null' : typeof each, value: each }
  else if (Array.isArray(type)) for (const each of type) yield { ...rest, type: each }
  else yield { ...rest, type: type ?? (rest.properties ? 'object' : undefined) }
}

function merged(list, schemas) {
  const parts = list.map((each) => (each.$ref ? schemas[each.$ref.split('/').at(-1)] : each))
  if (parts.length === 2 && Object.keys(parts[0]).length === 0) return parts[1]
  return { ...Object.assign({}, ...parts), properties: Object.assign({}, ...parts.map((each) => each.properties)), required: parts.flatMap((each) => each.required ?? []) }
}

export class Comparer {
  #open = []

  constructor(app, schemas) { this.app = app; this.schemas = schemas }

  /** Problems of a type, each with the place in the answer. What holds itself is compared once. */
  compare(schema, type, at) {
    if (this.#open.some((each) => each.schema === schema && each.node === type.node)) return []
    this.#open.push({ schema, node: type.node })
    const found = [...alternatives(this.schemas, schema)].flatMap((each) => this.one(each, type, at))
    this.#open.pop()
    return found
  }

  /** One alternative: a member of the type has to take it. */
  one(schema, { node, module, bound }, at) {
    const members = this.members(node, module, bound)
    if (members.some((each) => this.takesAll(each))) return []
    const told = members.length > 1 && Object.entries(schema.properties ?? {}).find(([, each]) => each.enum?.length > 1)
    if (told) return told[1].enum.flatMap((value) => this.one({ ...schema, properties: { ...schema.properties, [told[0]]: { const: value } } }, { node, module, bound }, at))
    const fitting = members.filter((each) => this.kinds(each).includes(schema.type) || schema.type === undefined)
    if (schema.type === undefined) return [`${at}: the description says nothing of it, the app takes it for ${module.text.slice(node.start, node.end)}`]
    const tries = fitting.map((each) => this.member(schema, each, at))
    if (tries.length === 0) return [`${at}: may be ${'value' in schema ? JSON.stringify(schema.value) : schema.type}, which the app does not expect`]
    return tries.reduce((best, each) => (each.length < best.length ? each : best))
  }

  /** The members of a union, names replaced by what they stand for. */
  members(node, module, bound) {
    const here = (each) => this.members(each, module, bound)
    if (node.type === 'TSUnionType') return node.types.flatMap(here)
    if (node.type === 'TSParenthesizedType' || (node.type === 'TSTypeOperator' && node.operator === 'readonly')) return here(node.typeAnnotation)
    if (node.type === 'TSIndexedAccessType') return this.elements(node, module)
    if (node.type !== 'TSTypeReference') return [{ node, module, bound }]
    const { name } = node.typeName
    const args = node.typeArguments?.params ?? []
    if (bound?.has(name)) return this.members(...bound.get(name))
    if (name === 'Json' || name === 'JsonObject' || name === 'Record' || LISTS.has(name)) return [{ node, module, bound, name, args }]
    if (name === 'Readonly' || name === 'Partial') return here(args[0]).map((each) => ({ ...each, partial: each.partial || name === 'Partial' }))
    const found = typeNamed(this.app, module, name)
    if (!found) throw new Error(`${module.name}: what is ${name}?`)
    const names = found.node.typeParameters?.params ?? []
    const inner = new Map(names.map((each, i) => [each.name.name, args[i] ? [args[i], module, bound] : [each.default, found.module, undefined]]))
    if (found.node.type === 'TSTypeAliasDeclaration') return this.members(found.node.typeAnnotation, found.module, inner)
    return [{ node: found.node, module: found.module, bound: inner }]
  }

  /** `(typeof LIST)[number]`: the texts of a list. */
  elements(node, module) {
    const query = node.objectType.typeAnnotation ?? node.objectType
    const found = valueNamed(this.app, module, query.exprName.name, query)
    return found.node.expression.elements.map((literal) => ({ node: { type: 'TSLiteralType', literal, start: literal.start, end: literal.end }, module: found.module }))
  }

  takesAll(member) { return ANYTHING.has(member.node.type) || member.name === 'Json' }

  kinds(member) {
    const { node, name } = member
    if (KEYWORDS[node.type]) return KEYWORDS[node.type]
    if (node.type === 'TSLiteralType') return typeof node.literal.value === 'number' ? ['integer', 'number'] : [typeof node.literal.value]
    return node.type === 'TSArrayType' || node.type === 'TSTupleType' || LISTS.has(name) ? ['array'] : ['object']
  }

  member(schema, member, at) {
    const { node, module, bound, name, args } = member
    const type = (each) => ({ node: each, module, bound })
    if (node.type === 'TSLiteralType') return schema.value === node.literal.value ? [] : [`${at}: may be ${'value' in schema ? JSON.stringify(schema.value) : `any ${schema.type}`}, which the app does not expect`]
    if (KEYWORDS[node.type] || name === 'JsonObject') return []
    if (node.type === 'TSArrayType' || LISTS.has(name)) return this.compare(schema.items ?? {}, type(node.elementType ?? args[0]), `${at}[]`)
    if (node.type === 'TSTupleType') return node.elementTypes.flatMap((each) => this.compare(schema.items ?? {}, type(each), `${at}[]`))
    if (name === 'Record') return this.everyMember(schema, type(args[1]), at)
    if (node.type === 'TSIntersectionType') return node.types.flatMap((each) => this.one(schema, type(each), at))
    const inherited = (node.extends ?? []).flatMap((each) => this.one(schema, type({ type: 'TSTypeReference', typeName: each.expression, typeArguments: each.typeArguments, start: each.start, end: each.end }), at))
    const own = (node.body?.body ?? node.members).flatMap((each) => this.property(schema, each, member, at))
    return [...inherited, ...own]
  }

  property(schema, each, { module, bound, partial }, at) {
    const type = { node: each.typeAnnotation.typeAnnotation, module, bound }
    if (each.type === 'TSIndexSignature') return this.everyMember(schema, type, at)
    const name = each.key.name ?? each.key.value
    const found = schema.properties?.[name]
    const place = `${at}.${name}`
    if (found === undefined) return [`${place}: the description has no such property`]
    const weaker = each.optional || partial || schema.required?.includes(name) ? [] : [`${place}: the app relies on it, the description does not promise it`]
    return [...weaker, ...this.compare(found, type, place)]
  }

  everyMember(schema, type, at) {
    const all = [...Object.entries(schema.properties ?? {}), ...(typeof schema.additionalProperties === 'object' ? [['*', schema.additionalProperties]] : [])]
    if (all.length === 0) return this.compare({}, type, `${at}.*`)
    return all.flatMap(([name, each]) => this.compare(each, type, `${at}.${name}`))
  }
}
