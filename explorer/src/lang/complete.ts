/** What may stand where the cursor is: fields, relationships, functions, words, in this order (design 5.2). */
import { say, type ResolvedSchema } from '@/dtdl/model'
import { contentsOf, type Facts, type Member, membersAt, membersOf, modelsOf } from './facts'
import { type Clause, clauseOf, comparedPath, endsValue, isFirstOfModel, isModelArgument, namesRelationship, nodeBefore, pathBefore } from './place'
import { type Scope, scopeOf } from './scope'
import { statementAt, type Token, tokenize } from './tokens'
import { EXTENSIONS, FUNCTIONS, quoted, written } from './words'

export type OptionKind = 'property' | 'component' | 'relationship' | 'system' | 'function' | 'keyword' | 'alias' | 'collection' | 'model' | 'value' | 'twin'

export interface Option {
  /** What is shown, and matched with what is typed. */
  readonly label: string
  /** What is written instead of what is typed; absent: the label. */
  readonly insert?: string
  readonly kind: OptionKind
  /** Its type and unit, a signature, an id. */
  readonly detail?: string
  /** A sentence about it. */
  readonly info?: string
  /** Further text by which it is found. */
  readonly also?: string
}

export interface Completion {
  /** What is replaced. */
  readonly from: number
  readonly to: number
  readonly options: readonly Option[]
  /** Twins whose ids begin so may stand here too; whoever can asks for them. */
  readonly twins?: { readonly beginning: string; readonly models: ReadonlySet<string> | undefined }
}

export const MOST = 200

/** The tokens of the cursor's statement, before and behind it, and what is being typed. */
interface Here {
  readonly before: readonly Token[]
  readonly scope: Scope
  readonly typed: string
  /** Where what is typed begins. */
  readonly from: number
  readonly open: Token | undefined
  /** The text right behind the cursor. */
  readonly behind: string
}

/** Stands for what is being typed, so that what follows it is not taken for it. */
const HOLE: Token = { kind: 'bad', text: '', key: '', start: -1, end: -1, open: false }

function lookAt(text: string, cursor: number): Here {
  const statement = statementAt(text, cursor)
  const begin = Math.min(statement.start, cursor)
  const shift = (tokens: Token[]): Token[] => tokens.map((each) => ({ ...each, start: each.start + begin, end: each.end + begin }))
  const before = shift(tokenize(text.slice(begin, cursor)))
  const behind = text.slice(cursor, Math.max(cursor, statement.end))
  const last = before.at(-1)
  const open = last?.open === true ? last : undefined
  const inBrackets = /\[\[[^[\]]*$/.exec(text.slice(begin, cursor))?.[0]
  let typed = ''
  let from = cursor
  if (open) { before.pop(); typed = open.text.slice(1); from = open.start + 1 }
  else if (inBrackets !== undefined) {
    from = cursor - inBrackets.length
    typed = inBrackets.slice(2)
    while ((before.at(-1)?.start ?? -1) >= from) before.pop()
  } else if (last?.kind === 'word' && last.end === cursor) { before.pop(); typed = last.text; from = last.start }
  // What is open before the cursor may be closed behind it.
  const rest = tokenize(open ? behind.replace(/^[^'"\n]*['"]?/, ' ') : behind)
  return { before, scope: scopeOf([...before, HOLE, ...rest]), typed, from, open, behind }
}

/** Return what may stand at a place, the likeliest first. */
export function complete(text: string, cursor: number, facts: Facts): Completion {
  const here = lookAt(text, cursor)
  const { before, scope, typed, from, open } = here
  const options = open ? inString(before, scope, facts) : inText(before, scope, facts)
  const twins = open && isTwinId(before, scope) ? { beginning: typed, models: twinModels(before, scope, facts) } : undefined
  const found = matching(options, typed, open !== undefined)
  const offered = open ? closed(found, here) : lowered(found, typed)
  const rest = open ? restOfLiteral(here) : /^\]\]/.test(here.behind) && text.startsWith('[[', from) ? 2 : 0
  return { from, to: cursor + rest, options: offered, ...(twins && { twins }) }
}

/** What is left of a literal behind the cursor, its quote too: it is written anew. */
function restOfLiteral({ open, behind }: Here): number {
  return (open?.text.startsWith('"') === true ? /^[\w.:;$-]*"/ : /^[\w.:;$-]*'/).exec(behind)?.[0].length ?? 0
}

/** A literal that is begun is closed. */
function closed(options: readonly Option[], here: Here): readonly Option[] {
  return options.map((each) => ({ ...each, insert: closing(each.insert ?? each.label, here.open?.text[0] ?? "'") }))
}

/** Write what stands in a literal, and its end. */
export function closing(text: string, quote: string): string { return `${quoted(text).slice(1, -1)}${quote}` }

/** Who types in small letters gets small words. */
export function lowered(options: readonly Option[], typed: string): readonly Option[] {
  if (typed === '' || typed !== typed.toLowerCase() || !/[a-z]/.test(typed)) return options
  return options.map((each) => (each.kind === 'keyword' || each.kind === 'function' || each.kind === 'collection' ? { ...each, insert: (each.insert ?? each.label).toLowerCase() } : each))
}

/** Those that begin with what is typed, then those of which a word does, then those that hold it. */
export function matching(options: readonly Option[], typed: string, anywhere: boolean): readonly Option[] {
  const wanted = typed.toLowerCase()
  if (wanted === '') return options.slice(0, MOST)
  const ranked: Option[][] = [[], [], []]
  for (const option of options) {
    const rank = rankOf(option.label, wanted, anywhere) ?? (option.also === undefined ? undefined : rankOf(option.also, wanted, anywhere))
    if (rank !== undefined) ranked[rank]?.push(option)
  }
  const all = ranked.flat()
  // What stands there whole already need not be offered alone.
  return all.length === 1 && (all[0]?.insert ?? all[0]?.label) === typed ? [] : all.slice(0, MOST)
}

function rankOf(label: string, wanted: string, anywhere: boolean): number | undefined {
  const text = label.toLowerCase()
  const at = text.indexOf(wanted)
  if (at < 0) return undefined
  if (at === 0) return 0
  const beginsWord = /[^\p{L}\p{N}]$/u.test(text.slice(0, at)) || (/\p{Lu}/u.test(label[at] ?? '') && /\p{Ll}/u.test(label[at - 1] ?? ''))
  return beginsWord ? 1 : anywhere || wanted.length > 1 ? 2 : undefined
}

export function optionOf(member: Member, write = written): Option {
  const type = member.unit === undefined ? member.type : `${member.type} · ${member.unit}`
  const insert = write(member.name, true)
  return { label: member.name, kind: member.kind, ...(insert !== member.name && { insert }), ...(type !== '' && { detail: type }), ...(member.says !== undefined && { info: member.says }) }
}

function values(members: readonly Member[]): Option[] { return members.filter((each) => each.kind !== 'relationship').map((each) => optionOf(each)) }

export function relationships(members: readonly Member[], write = written): Option[] {
  return members.filter((each) => each.kind === 'relationship').sort((a, b) => (b.count ?? 0) - (a.count ?? 0)).map((each) => optionOf(each, write))
}

function keywords(words: readonly string[], facts: Facts): Option[] {
  return words.filter((word) => !facts.strict || !EXTENSIONS.has(word)).map((label) => ({ label, kind: 'keyword' }))
}

const REST = ['ORDER BY', 'LIMIT', 'OFFSET']
const GO_ON: Readonly<Partial<Record<Clause, readonly string[]>>> = {
  SELECT: ['FROM', 'AS'], FROM: ['WHERE', 'JOIN', 'MATCH', 'LEFT JOIN', 'GROUP BY', ...REST], JOIN: ['RELATED'],
  RELATED: ['WHERE', 'JOIN', 'LEFT JOIN', 'GROUP BY', ...REST], MATCH: ['WHERE', 'GROUP BY', ...REST],
  WHERE: ['AND', 'OR', 'IN', 'NIN', 'NOT IN', 'LIKE', 'BETWEEN', 'GROUP BY', ...REST], GROUP: ['HAVING', ...REST],
  HAVING: ['AND', 'OR', 'IN', ...REST], ORDER: ['ASC', 'DESC', 'LIMIT', 'OFFSET'],
}
const OPERAND = ['NOT', 'EXISTS', 'TRUE', 'FALSE', 'NULL']

function inText(before: readonly Token[], scope: Scope, facts: Facts): Option[] {
  const clause = clauseOf(before)
  const path = pathBefore(before)
  const last = before.at(-1)?.key ?? ''
  if (path.length > 0) return behindDot(path, clause, scope, facts)
  if (last === '.') return []
  if (namesRelationship(before)) return relationships(contentsOf(nodeModels(before, scope, facts), facts))
  if (last === 'FROM') return collections(facts)
  if (endsValue(before)) return keywords(GO_ON[clause] ?? [], facts)
  if (clause === 'RELATED') return aliases(scope, 'twin')
  if (clause === '') return keywords(['SELECT', 'EXPLAIN'], facts)
  if (clause === 'EXPLAIN') return keywords(['SELECT'], facts)
  if (last === 'ORDER' || last === 'GROUP') return keywords(['BY'], facts)
  if (clause === 'FROM' || clause === 'JOIN' || clause === 'MATCH' || last === 'LIMIT' || last === 'OFFSET' || last === 'AS' || last === 'LEFT') return last === 'LEFT' ? keywords(['JOIN'], facts) : []
  if (isFirstOfModel(before)) return [...aliases(scope, 'twin'), ...modelIds(facts).map((each) => ({ ...each, insert: quoted(each.insert ?? '') }))]
  if (isModelArgument(before)) return modelIds(facts).map((each) => ({ ...each, insert: quoted(each.insert ?? '') }))
  return expression(before, clause, scope, facts)
}

function collections(facts: Facts): Option[] {
  const all: Option[] = [
    { label: 'DIGITALTWINS', kind: 'collection', info: 'The twins of this graph.' },
    { label: 'RELATIONSHIPS', kind: 'collection', info: 'The relationships between them.' },
    { label: 'MODELS', kind: 'collection', info: 'The stored models.' },
  ]
  return facts.strict ? all.slice(0, 2) : all
}

function behindDot(path: readonly string[], clause: Clause, scope: Scope, facts: Facts): Option[] {
  const [first = '', ...rest] = path
  const known = scope.aliases.has(first)
  if (clause === 'RELATED') return relationships(membersOf(scope, known ? first : scope.from, facts))
  return values(known ? membersAt(scope, first, rest, facts) : ownPath(path, scope, facts))
}

/** A path without an alias is one of the collection of FROM; a name that nothing else is may become its alias. */
function ownPath(path: readonly string[], scope: Scope, facts: Facts): readonly Member[] {
  const members = membersAt(scope, scope.from, path, facts)
  return members.length > 0 || scope.from !== '' || path.length > 1 ? members : membersOf(scope, '', facts)
}

function nodeModels(before: readonly Token[], scope: Scope, facts: Facts): ReadonlySet<string> | undefined {
  const alias = nodeBefore(before)
  return alias === '' ? undefined : modelsOf(scope, alias, facts)
}

function aliases(scope: Scope, kind?: 'twin'): Option[] {
  return [...scope.aliases].filter(([, each]) => kind === undefined || each === kind).map(([label, each]) => ({ label, kind: 'alias', detail: each }))
}

function expression(before: readonly Token[], clause: Clause, scope: Scope, facts: Facts): Option[] {
  const own = scope.aliases.size <= 1 ? values(membersOf(scope, scope.from, facts)) : []
  const compared = literals(comparedSchema(before, scope, facts))
  const wanted = clause === 'WHERE' ? ['test', 'value'] : clause === 'GROUP' ? ['value'] : clause === 'SELECT' || clause === 'ORDER' || clause === 'HAVING' ? ['aggregate', 'value', 'test'] : ['test', 'value', 'aggregate']
  const functions = wanted.flatMap((kind) => FUNCTIONS.filter((each) => each.kind === kind)).filter((each) => !facts.strict || !each.extension)
  const begin = clause === 'SELECT' ? (before.at(-1)?.key === 'SELECT' ? ['*', 'TOP', 'DISTINCT'] : []) : clause === 'WHERE' || clause === 'HAVING' ? OPERAND : []
  return [
    ...compared, ...aliases(scope), ...own,
    ...functions.map((each): Option => ({ label: each.name, insert: `${each.name}(`, kind: 'function', detail: each.signature.slice(each.name.length), info: each.says })),
    ...keywords(begin, facts),
  ]
}

function comparedSchema(before: readonly Token[], scope: Scope, facts: Facts): ResolvedSchema | undefined {
  const path = comparedPath(before)
  const [first = '', ...rest] = path
  if (path.length === 0) return undefined
  const known = scope.aliases.has(first)
  const members = membersAt(scope, known ? first : scope.from, known ? rest.slice(0, -1) : path.slice(0, -1), facts)
  const schema = members.find((each) => each.name === path.at(-1))?.content?.schema
  return schema?.kind === 'array' ? schema.element : schema
}

export function literals(schema: ResolvedSchema | undefined): Option[] {
  if (schema?.kind === 'boolean') return [{ label: 'true', kind: 'value' }, { label: 'false', kind: 'value' }]
  if (schema?.kind !== 'enum') return []
  return schema.values.map((each): Option => {
    const shown = say(each.displayName, each.name)
    const info = say(each.description, '')
    return { label: String(each.value), insert: typeof each.value === 'string' ? quoted(each.value) : String(each.value), kind: 'value', also: shown, ...(shown !== String(each.value) && { detail: shown }), ...(info !== '' && { info }) }
  })
}

export function modelIds(facts: Facts): Option[] {
  return [...facts.models.all].sort((a, b) => (facts.twins.get(b.id) ?? 0) - (facts.twins.get(a.id) ?? 0)).map((model): Option => {
    const info = say(model.description, '')
    return { label: facts.models.name(model.id), insert: model.id, also: model.id, kind: 'model', detail: model.id, ...(info !== '' && { info }) }
  })
}

function inString(before: readonly Token[], scope: Scope, facts: Facts): Option[] {
  const path = comparedPath(before)
  const last = path.at(-1)
  if (isModelArgument(before) || last === '$model') return modelIds(facts)
  if (last === '$relationshipName') return relationships(contentsOf(undefined, facts)).map((each) => ({ ...each, insert: each.label }))
  // Numbers and booleans stand without quotes.
  return literals(comparedSchema(before, scope, facts)).filter((each) => each.insert?.startsWith("'") === true).map((each) => ({ ...each, insert: each.label }))
}

function isTwinId(before: readonly Token[], scope: Scope): boolean {
  const last = comparedPath(before).at(-1)
  return scope.collection !== 'model' && (last === '$dtId' || last === '$sourceId' || last === '$targetId')
}

function twinModels(before: readonly Token[], scope: Scope, facts: Facts): ReadonlySet<string> | undefined {
  const path = comparedPath(before)
  const [first = ''] = path
  if (path.at(-1) !== '$dtId') return undefined
  return modelsOf(scope, path.length > 1 ? first : scope.from, facts)
}
