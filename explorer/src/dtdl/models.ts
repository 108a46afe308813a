import { type ResolvedContent, type ResolvedModel, say, shortName } from './model'

/** All models of a graph, and what follows from them. */
export class Models {
  readonly byId: ReadonlyMap<string, ResolvedModel>
  readonly #children = new Map<string, string[]>()
  readonly #families = new Map<string, string>()

  constructor(readonly epoch: number, readonly all: readonly ResolvedModel[]) {
    this.byId = new Map(all.map((model) => [model.id, model]))
    for (const model of all) for (const base of model.extends) {
      const list = this.#children.get(base)
      if (list) list.push(model.id)
      else this.#children.set(base, [model.id])
    }
    for (const model of all) this.#families.set(model.id, this.#familyOf(model))
    this.families = this.#ordered()
  }

  get(id: string): ResolvedModel | undefined { return this.byId.get(id) }

  name(id: string): string {
    const model = this.byId.get(id)
    return model ? say(model.displayName, shortName(id)) : shortName(id)
  }

  children(id: string): readonly string[] { return this.#children.get(id) ?? [] }

  /** Whether `id` is `of`, or inherits from it. */
  is(id: string, of: string): boolean { return id === of || (this.byId.get(id)?.bases.includes(of) ?? false) }

  /** Its highest ancestor below the root that it shares with others (design 3.2). */
  family(id: string): string { return this.#families.get(id) ?? id }

  /** Families by their first upload, those of one upload by size; the slot of a family is its place here, and stays. */
  readonly families: readonly string[]

  /** The models of a family, in order of upload; what all of them have in common comes last, since it seldom is a twin. */
  modelsOf(family: string): readonly string[] {
    const ids = this.all.filter((model) => this.family(model.id) === family).map((model) => model.id)
    return this.children(family).length > 0 ? [...ids.filter((id) => id !== family), family] : ids
  }

  content(id: string, name: string): ResolvedContent | undefined {
    return this.byId.get(id)?.contents.find((each) => each.name === name)
  }

  /** Return what a path of property names through components, objects and maps leads to. */
  contentAt(id: string, parts: readonly string[]): ResolvedContent | undefined {
    const [first, ...rest] = parts
    if (first === undefined) return undefined
    const content = this.content(id, first)
    if (content?.kind === 'component' && content.model !== undefined && rest.length > 0) return this.contentAt(content.model, rest)
    if (rest.length === 0 || content === undefined) return content
    return fieldOf(content, rest)
  }

  #ordered(): readonly string[] {
    const components = new Set(this.all.flatMap((model) => model.contents.flatMap((each) => (each.kind === 'component' && each.model !== undefined ? [each.model] : []))))
    const rows = [...new Set(this.all.map((model) => this.family(model.id)))].map((family) => {
      const members = this.all.filter((model) => this.family(model.id) === family)
      const first = members.reduce((least, model) => (model.uploadTime < least ? model.uploadTime : least), members[0]?.uploadTime ?? '')
      // What is only a part of others, or only what others have in common, seldom is a twin: colours are few.
      const isApart = members.length === 1 && (components.has(family) || this.children(family).length > 1)
      return { family, first, isApart, size: members.filter((model) => model.uploadTime === first).length }
    })
    return rows.sort((one, other) => Number(one.isApart) - Number(other.isApart) || one.first.localeCompare(other.first) || other.size - one.size || one.family.localeCompare(other.family)).map((row) => row.family)
  }

  #familyOf(model: ResolvedModel): string {
    const line = [model.id, ...model.bases].filter((id) => this.byId.has(id))
    const roots = new Set(this.all.filter((each) => each.extends.length === 0).map((each) => each.id))
    const shared = line.find((id) => roots.has(id) && (this.#children.get(id)?.length ?? 0) > 1)
    if (shared === undefined || shared === model.id) return line.findLast((id) => roots.has(id)) ?? model.id
    return line.findLast((id) => id !== shared && this.byId.get(id)?.extends.includes(shared)) ?? model.id
  }
}

function fieldOf(content: ResolvedContent, parts: readonly string[]): ResolvedContent | undefined {
  let schema = content.schema
  let found: ResolvedContent | undefined
  for (const part of parts) {
    if (schema?.kind === 'object') {
      const field = schema.fields.find((each) => each.name === part)
      if (!field) return undefined
      schema = field.schema
      found = { ...content, name: part, displayName: field.displayName, description: field.description, schema, semanticTypes: [] }
    } else if (schema?.kind === 'map') {
      schema = schema.value.schema
      found = { ...content, name: part, displayName: {}, description: {}, schema, semanticTypes: [] }
    } else return undefined
  }
  return found
}

export const NO_MODELS = new Models(0, [])
