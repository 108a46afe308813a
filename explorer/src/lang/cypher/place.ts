/** Where in a query of openCypher the cursor stands. */
import type { Token } from '../tokens'
import { nameOf } from './tokens'
import { FUNCTION_NAMES, LITERALS, RESERVED } from './words'

export type Clause = 'MATCH' | 'WHERE' | 'RETURN' | 'WITH' | 'UNWIND' | 'ORDER' | 'SKIP' | 'LIMIT' | 'UNION' | 'CASE' | 'EXPLAIN' | ''

const CLAUSES = new Set(['MATCH', 'WHERE', 'RETURN', 'WITH', 'UNWIND', 'ORDER', 'SKIP', 'LIMIT', 'UNION', 'CASE', 'EXPLAIN'])
const OPENING = new Set(['(', '[', '{'])
const CLOSING: Readonly<Record<string, string>> = { ')': '(', ']': '[', '}': '{' }

/** Return the clause that goes on behind these tokens, and the brackets that are open there, innermost last. */
export function clauseOf(tokens: readonly Token[]): { readonly clause: Clause; readonly open: readonly { readonly sign: string; readonly at: number }[] } {
  const open: { sign: string; at: number; clause: Clause }[] = []
  let clause: Clause = ''
  tokens.forEach((token, at) => {
    if (token.kind === 'operator' && OPENING.has(token.key)) {
      open.push({ sign: token.key, at, clause })
      if (token.key === '{' && tokens[at - 1]?.key === 'EXISTS') clause = 'MATCH'
    } else if (token.kind === 'operator' && open.at(-1)?.sign === CLOSING[token.key] && open.length > 0) clause = open.pop()?.clause ?? clause
    else if (token.kind === 'word' && tokens[at - 1]?.key !== '.' && token.key === 'END' && clause === 'CASE') clause = ''
    else if (token.kind === 'word' && tokens[at - 1]?.key !== '.' && tokens[at - 1]?.key !== ':' && CLAUSES.has(token.key)) {
      // STARTS WITH, ENDS WITH
      if (token.key !== 'WITH' || (tokens[at - 1]?.key !== 'STARTS' && tokens[at - 1]?.key !== 'ENDS')) clause = token.key as Clause
    }
  })
  return { clause, open }
}

/** Whether the bracket at a place is a node's: `(` of a pattern, not of a call or of a sum. */
function isNode(tokens: readonly Token[], at: number): boolean {
  const before = tokens[at - 1]
  return before === undefined || before.kind === 'operator' ? ['-', '>', ',', '{', undefined, '='].includes(before?.key) : before.key === 'MATCH' || before.key === 'EXISTS' || before.key === 'WHERE' || before.key === 'NOT' || before.key === 'AND' || before.key === 'OR'
}

export type Spot =
  | { readonly kind: 'label' } | { readonly kind: 'type'; readonly source: string } | { readonly kind: 'map'; readonly of: string; readonly labels: readonly string[]; readonly edge: boolean }
  | { readonly kind: 'pattern' } | { readonly kind: 'other' }

/** What a pattern or a label wants where the cursor stands. */
export function spotOf(tokens: readonly Token[], clause: Clause, open: readonly { readonly sign: string; readonly at: number }[]): Spot {
  const last = tokens.at(-1)
  const inner = open.at(-1)
  const begins = last?.key === ':' || last?.key === '|' || last?.key === '&'
  if (inner?.sign === '[' && tokens[inner.at - 1]?.key === '-' && begins) return { kind: 'type', source: nodeBefore(tokens, inner.at) }
  if (inner?.sign === '{' && last !== undefined && (last.key === '{' || last.key === ',')) {
    const around = open.at(-2)
    if (around && (around.sign === '[' ? tokens[around.at - 1]?.key === '-' : around.sign === '(' && isNode(tokens, around.at))) {
      const inside = tokens.slice(around.at + 1, inner.at)
      const of = inside[0] && (inside[0].kind === 'word' || inside[0].kind === 'escaped') ? nameOf(inside[0]) : ''
      const labels = inside.flatMap((token, at) => ([':', '|', '&'].includes(token.key) && inside[at + 1] ? [nameOf(inside[at + 1])] : []))
      return { kind: 'map', of, labels, edge: around.sign === '[' }
    }
  }
  // In a map a colon parts name and value.
  if (begins && inner?.sign !== '{' && inner?.sign !== '[') return { kind: 'label' }
  if (inner?.sign === '(' && clause === 'MATCH' && isNode(tokens, inner.at)) return { kind: 'pattern' }
  if (inner?.sign === '[' && tokens[inner.at - 1]?.key === '-') return { kind: 'pattern' }
  return { kind: 'other' }
}

/** The node from which the edge at a place starts: `(a)-[`. */
function nodeBefore(tokens: readonly Token[], at: number): string {
  let depth = 0
  for (let here = at - 1; here >= 0; here -= 1) {
    const key = tokens[here]?.key
    if (key === ')') depth += 1
    else if (key === '(') {
      depth -= 1
      const named = tokens[here + 1]
      if (depth === 0) return named?.kind === 'word' || named?.kind === 'escaped' ? nameOf(named) : ''
    }
  }
  return ''
}

/** The path that ends at a place: names with dots between, and `n['name']`. */
export function pathEndingAt(tokens: readonly Token[], last: number): readonly string[] {
  const steps: string[] = []
  let at = last
  for (;;) {
    const token = tokens[at]
    if (token?.kind !== 'word' && token?.kind !== 'escaped') break
    steps.push(nameOf(token))
    if (tokens[at - 1]?.key !== '.') break
    at -= 2
  }
  return steps.reverse()
}

export function pathBefore(tokens: readonly Token[]): readonly string[] { return tokens.at(-1)?.key === '.' ? pathEndingAt(tokens, tokens.length - 2) : [] }

const COMPARISONS = new Set(['=', '<>', '<', '>', '<=', '>='])

/** The path with which the value at the cursor is compared; `id(n)` is the twin's own. */
export function comparedPath(tokens: readonly Token[]): readonly string[] {
  let at = tokens.length - 1
  while (at >= 0 && (tokens[at]?.key === ',' || tokens[at]?.kind === 'string')) at -= 1
  if (tokens[at]?.key === '[' && tokens[at - 1]?.key === 'IN') at -= 1
  else if (at !== tokens.length - 1) return []
  const key = tokens[at]?.key ?? ''
  const before = tokens[at - 1]?.key
  const end = key === 'WITH' && (before === 'STARTS' || before === 'ENDS') ? at - 2 : COMPARISONS.has(key) || key === 'IN' || key === 'CONTAINS' ? at - 1 : -1
  if (end < 0) return []
  if (tokens[end]?.key === ')' && tokens[end - 2]?.key === '(' && (tokens[end - 3]?.key === 'ID' || tokens[end - 3]?.key === 'ELEMENTID')) return [nameOf(tokens[end - 1]), '$dtId']
  if (tokens[end]?.key === ']' && tokens[end - 1]?.kind === 'string') return [...pathEndingAt(tokens, end - 3), tokens[end - 1]?.text.slice(1, -1) ?? '']
  return pathEndingAt(tokens, end)
}

/** Whether a value or a name stands before the cursor, so that a word goes on with the query. */
export function endsValue(tokens: readonly Token[]): boolean {
  const last = tokens.at(-1)
  if (!last) return false
  if (last.kind === 'word') return (!RESERVED.has(last.key) && !FUNCTION_NAMES.has(last.key)) || LITERALS.has(last.key) || last.key === 'END' || tokens.at(-2)?.key === '.'
  if (last.key === '*') return ['RETURN', 'DISTINCT', 'WITH'].includes(tokens.at(-2)?.key ?? '')
  return last.kind === 'string' || last.kind === 'escaped' || last.kind === 'number' || last.key === ')' || last.key === ']' || last.key === '}'
}
