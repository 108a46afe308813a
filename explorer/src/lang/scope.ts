/** What a query says of its own names, as far as it is written. */
import { nameOf, textOf, type Token } from './tokens'
import { COLLECTIONS, RESERVED } from './words'

export type AliasKind = 'twin' | 'relationship' | 'model'

/** A relationship that leads from one alias to another. */
export interface Step {
  readonly from: string
  readonly to: string
  /** Names that it may have; none: whichever. */
  readonly names: readonly string[]
  /** The alias of the relationship itself, or empty. */
  readonly by: string
  /** Neither end is known to be the source. */
  readonly either: boolean
}

export interface Scope {
  /** What FROM names; twins until it does. */
  readonly collection: AliasKind
  /** The alias of FROM, or empty. */
  readonly from: string
  readonly aliases: ReadonlyMap<string, AliasKind>
  /** Ids that IS_OF_MODEL and `$metadata.$model =` name, by alias; without one under the empty text. */
  readonly models: ReadonlyMap<string, readonly string[]>
  readonly steps: readonly Step[]
}

interface Draft {
  collection: AliasKind
  from: string
  readonly aliases: Map<string, AliasKind>
  readonly models: Map<string, string[]>
  readonly steps: Step[]
}

const NOT_NAMES = new Set([...RESERVED, 'JOIN', 'RELATED', 'MATCH', 'LEFT', 'LIMIT', 'OFFSET', 'HAVING', 'EXPLAIN', 'DISTINCT'])
const HIDDEN = '\u0000'

function isName(token: Token | undefined): boolean {
  return token !== undefined && (token.kind === 'escaped' || (token.kind === 'word' && !NOT_NAMES.has(token.key)))
}

function note<T>(map: Map<string, T[]>, key: string, value: T): void {
  const list = map.get(key)
  if (list) list.push(value)
  else map.set(key, [value])
}

/** Read the tokens of one statement. */
export function scopeOf(tokens: readonly Token[]): Scope {
  const draft: Draft = { collection: 'twin', from: '', aliases: new Map(), models: new Map(), steps: [] }
  tokens.forEach((token, at) => {
    if (tokens[at - 1]?.key === '.') {
      if (token.key === '$MODEL' && tokens[at + 1]?.key === '=') readModel(tokens, at, draft)
      return
    }
    if (token.key === 'FROM') readFrom(tokens, at, draft)
    else if (token.key === 'JOIN') readJoin(tokens, at, draft)
    else if (token.key === 'MATCH' || (token.key === 'EXISTS' && tokens[at + 1]?.key === '{')) readPattern(tokens, token.key === 'MATCH' ? at + 1 : at + 2, draft)
    else if (token.key === 'IS_OF_MODEL') readOfModel(tokens, at, draft)
  })
  return draft
}

function readFrom(tokens: readonly Token[], at: number, draft: Draft): void {
  const kind = COLLECTIONS[tokens[at + 1]?.key ?? '']
  if (kind === undefined) return
  const after = tokens[at + 2]?.key === 'AS' ? at + 3 : at + 2
  if (draft.from === '') draft.collection = kind
  if (!isName(tokens[after])) return
  const alias = nameOf(tokens[after])
  if (draft.from === '') draft.from = alias
  draft.aliases.set(alias, kind)
}

/** `JOIN target RELATED source.name [AS] [alias]` */
function readJoin(tokens: readonly Token[], at: number, draft: Draft): void {
  if (!isName(tokens[at + 1])) return
  const target = nameOf(tokens[at + 1])
  draft.aliases.set(target, 'twin')
  if (tokens[at + 2]?.key !== 'RELATED' || tokens[at + 4]?.key !== '.') return
  const named = tokens[at + 5]
  const names = named && (named.kind === 'word' || named.kind === 'escaped') ? [nameOf(named)] : []
  const after = tokens[at + 6]?.key === 'AS' ? at + 7 : at + 6
  const by = names.length > 0 && isName(tokens[after]) ? nameOf(tokens[after]) : ''
  if (by !== '') draft.aliases.set(by, 'relationship')
  draft.steps.push({ from: nameOf(tokens[at + 3]), to: target, names, by, either: false })
}

interface Edge { readonly alias: string; readonly names: readonly string[]; readonly next: number; readonly ranged: boolean }

/** `[r:name|name*1..2]` */
function readEdge(tokens: readonly Token[], at: number): Edge {
  let here = at + 1
  let alias = ''
  const names: string[] = []
  let ranged = false
  if (isName(tokens[here]) && tokens[here]?.key !== 'SHORTEST') { alias = nameOf(tokens[here]); here += 1 } else if (tokens[here]?.key === 'SHORTEST') { ranged = true; here += 1 }
  while (tokens[here]?.key === ':' || tokens[here]?.key === '|') {
    const named = tokens[here + 1]
    if (named?.kind === 'word' || named?.kind === 'escaped') names.push(nameOf(named))
    here += named?.kind === 'word' || named?.kind === 'escaped' ? 2 : 1
  }
  while (here < tokens.length && tokens[here]?.key !== ']' && tokens[here]?.key !== '(') {
    if (tokens[here]?.key === '*') ranged = true
    here += 1
  }
  return { alias, names, next: tokens[here]?.key === ']' ? here + 1 : here, ranged }
}

/** `(a)-[r:name]->(b)<-[..]-(c), (d) ..` */
function readPattern(tokens: readonly Token[], begin: number, draft: Draft): void {
  let at = begin
  let last: string | undefined
  let edge: (Edge & { readonly back: boolean; forth: boolean }) | undefined
  for (let count = 0; count < tokens.length && at < tokens.length; count += 1) {
    const key = tokens[at]?.key
    if (key === '(') {
      const node = isName(tokens[at + 1]) ? nameOf(tokens[at + 1]) : `${HIDDEN}${at}`
      if (!node.startsWith(HIDDEN)) draft.aliases.set(node, draft.aliases.get(node) ?? 'twin')
      if (edge && last !== undefined) addStep(draft, last, node, edge)
      edge = undefined
      last = node
      at = tokens[at + 1]?.key === ')' ? at + 2 : tokens[at + 2]?.key === ')' ? at + 3 : at + 2
    } else if (key === '[') {
      const read = readEdge(tokens, at)
      if (read.alias !== '') draft.aliases.set(read.alias, 'relationship')
      const forth = tokens[read.next]?.key === '-' && tokens[read.next + 1]?.key === '>'
      edge = { ...read, back: tokens[at - 1]?.key === '-' && tokens[at - 2]?.key === '<', forth }
      at = read.next
    } else if (key === '-' || key === '>' || key === '<') at += 1
    else if (key === ',') { last = undefined; edge = undefined; at += 1 } else return
  }
}

function addStep(draft: Draft, left: string, right: string, edge: Edge & { readonly back: boolean; readonly forth: boolean }): void {
  // Over several hops the far end is not what one relationship leads to.
  const names = edge.ranged ? [] : edge.names
  if (edge.alias !== '' || names.length > 0) {
    draft.steps.push({ from: edge.back ? right : left, to: edge.back ? left : right, names: edge.ranged && edge.alias === '' ? [] : edge.names, by: edge.alias, either: edge.ranged || edge.back === edge.forth })
  }
}

function readOfModel(tokens: readonly Token[], at: number, draft: Draft): void {
  if (tokens[at + 1]?.key !== '(') return
  const withAlias = tokens[at + 2]?.kind !== 'string'
  const literal = tokens[withAlias ? at + 4 : at + 2]
  const id = textOf(literal)
  if (id !== '' && literal?.open !== true) note(draft.models, withAlias ? nameOf(tokens[at + 2]) : '', id)
}

function readModel(tokens: readonly Token[], at: number, draft: Draft): void {
  const id = textOf(tokens[at + 2])
  const before = tokens[at - 4]
  const alias = tokens[at - 3]?.key === '.' && before && draft.aliases.has(nameOf(before)) ? nameOf(before) : ''
  if (id !== '') note(draft.models, alias, id)
}
