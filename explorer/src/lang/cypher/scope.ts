/** What a query of openCypher says of its own names, in the shape that completion and help take of both languages. */
import { shortName } from '@/dtdl/model'
import type { Models } from '@/dtdl/models'
import type { AliasKind, Scope, Step } from '../scope'
import { textOf, type Token } from '../tokens'
import { nameOf } from './tokens'
import { RESERVED } from './words'

interface Draft {
  readonly aliases: Map<string, AliasKind>
  readonly models: Map<string, string[]>
  readonly steps: Step[]
}

const HIDDEN = '\u0000'

export function isName(token: Token | undefined): boolean {
  return token !== undefined && (token.kind === 'escaped' || (token.kind === 'word' && !RESERVED.has(token.key) && !token.text.startsWith('$')))
}

/** The word by which a label names a model: the last segment of its id. */
export function labelOf(id: string): string { return shortName(id) }

/** Ids of models that a label means; the word of a base means its heirs too, which `modelsOf` adds. */
function idsOf(label: string, models: Models): readonly string[] {
  if (label.startsWith('dtmi:')) return [label]
  return models.all.filter((model) => labelOf(model.id) === label).map((model) => model.id)
}

/** Read the tokens of one statement. */
export function cypherScopeOf(tokens: readonly Token[], models: Models): Scope {
  const draft: Draft = { aliases: new Map(), models: new Map(), steps: [] }
  tokens.forEach((token, at) => {
    const before = tokens[at - 1]?.key
    if (before === '.') return
    if (token.key === 'MATCH') readPattern(tokens, at + 1, draft, models)
    else if (token.key === '{' && before === 'EXISTS') readPattern(tokens, at + 1, draft, models)
    else if (token.key === 'AS' && isName(tokens[at + 1]) && !draft.aliases.has(nameOf(tokens[at + 1]))) readNamed(tokens, at, draft)
    else if (token.key === 'IS_OF_MODEL') readOfModel(tokens, at, draft)
    else if (token.key === ':' && isName(tokens[at - 1]) && tokens[at - 2]?.key !== '(' && draft.aliases.has(nameOf(tokens[at - 1]))) noteLabels(tokens, at, nameOf(tokens[at - 1]), draft, models)
  })
  const twins = [...draft.aliases].filter(([, kind]) => kind === 'twin').map(([name]) => name)
  return { collection: 'twin', from: twins.length === 1 ? twins[0] ?? '' : '', ...draft }
}

/** `WITH n AS m` gives another name to the same. */
function readNamed(tokens: readonly Token[], at: number, draft: Draft): void {
  const from = nameOf(tokens[at - 1])
  const kind = draft.aliases.get(from)
  if (kind === undefined || tokens[at - 2]?.key === '.') return
  const name = nameOf(tokens[at + 1])
  draft.aliases.set(name, kind)
  const ids = draft.models.get(from)
  if (ids) draft.models.set(name, ids)
}

function readOfModel(tokens: readonly Token[], at: number, draft: Draft): void {
  const literal = tokens[at + 4]
  const id = textOf(literal)
  if (tokens[at + 1]?.key === '(' && tokens[at + 3]?.key === ',' && id !== '' && literal?.open !== true) note(draft, nameOf(tokens[at + 2]), [id])
}

function note(draft: Draft, name: string, ids: readonly string[]): void {
  if (ids.length > 0) draft.models.set(name, [...(draft.models.get(name) ?? []), ...ids])
}

/** Read labels that begin at a colon; return where they end. */
function noteLabels(tokens: readonly Token[], begin: number, node: string, draft: Draft, models: Models): number {
  let at = begin
  const ids: string[] = []
  while ([':', '|', '&', '!'].includes(tokens[at]?.key ?? '')) {
    const named = tokens[at + 1]
    if (named?.kind !== 'word' && named?.kind !== 'escaped') { at += 1; continue }
    if (nameOf(named) === 'Model') draft.aliases.set(node, 'model')
    else ids.push(...idsOf(nameOf(named), models))
    at += 2
  }
  note(draft, node, ids)
  return at
}

interface Edge { readonly alias: string; readonly names: readonly string[]; readonly next: number; readonly ranged: boolean; readonly back: boolean }

/** `[r:name|name*1..2 {..}]` */
function readEdge(tokens: readonly Token[], begin: number): Edge {
  let at = begin + 1
  const alias = isName(tokens[at]) ? nameOf(tokens[at]) : ''
  if (alias !== '') at += 1
  const names: string[] = []
  let ranged = false
  let named = true
  for (; at < tokens.length && tokens[at]?.key !== ']' && tokens[at]?.key !== '('; at += 1) {
    const token = tokens[at]
    if (token?.key === '*') { ranged = true; named = false }
    else if (token?.key === '{') named = false
    else if (named && (token?.kind === 'word' || token?.kind === 'escaped')) names.push(nameOf(token))
  }
  return { alias, names, ranged, next: tokens[at]?.key === ']' ? at + 1 : at, back: tokens[begin - 1]?.key === '-' && tokens[begin - 2]?.key === '<' }
}

function skipped(tokens: readonly Token[], begin: number, opens: string, closes: string): number {
  let depth = 0
  for (let at = begin; at < tokens.length; at += 1) {
    if (tokens[at]?.key === opens) depth += 1
    else if (tokens[at]?.key === closes) { depth -= 1; if (depth === 0) return at + 1 }
  }
  return tokens.length
}

/** `p = (a:Room {..})-[r:name]->(b)<-[..]-(c), (d) ..` */
function readPattern(tokens: readonly Token[], begin: number, draft: Draft, models: Models): void {
  let at = begin
  let last: string | undefined
  let edge: Edge | undefined
  while (at < tokens.length) {
    const key = tokens[at]?.key
    if (key === '(') {
      const node = isName(tokens[at + 1]) ? nameOf(tokens[at + 1]) : `${HIDDEN}${at}`
      at += node.startsWith(HIDDEN) ? 1 : 2
      if (!node.startsWith(HIDDEN)) draft.aliases.set(node, draft.aliases.get(node) ?? 'twin')
      at = noteLabels(tokens, at, node, draft, models)
      if (tokens[at]?.key === '{') at = skipped(tokens, at, '{', '}')
      if (tokens[at]?.key === ')') at += 1
      if (edge && last !== undefined) addStep(draft, last, node, edge, tokens)
      edge = undefined
      last = node
    } else if (key === '[') {
      edge = readEdge(tokens, at)
      if (edge.alias !== '') draft.aliases.set(edge.alias, 'relationship')
      at = edge.next
    } else if (key === '-' || key === '>' || key === '<') at += 1
    else if (key === ',') { last = undefined; edge = undefined; at += 1 }
    else if (isName(tokens[at]) && tokens[at + 1]?.key === '=') at += 2
    else return
  }
}

function addStep(draft: Draft, left: string, right: string, edge: Edge, tokens: readonly Token[]): void {
  const forth = tokens[edge.next]?.key === '-' && tokens[edge.next + 1]?.key === '>'
  const names = edge.ranged && edge.alias === '' ? [] : edge.names
  if (edge.alias !== '' || names.length > 0) {
    draft.steps.push({ from: edge.back ? right : left, to: edge.back ? left : right, names, by: edge.alias, either: edge.ranged || edge.back === forth })
  }
}
