/** Where in a query the cursor stands. */
import { nameOf, type Token } from './tokens'
import { FUNCTION_NAMES, LITERALS, RESERVED } from './words'

const CLAUSES = new Set(['SELECT', 'FROM', 'JOIN', 'RELATED', 'MATCH', 'WHERE', 'ORDER', 'GROUP', 'HAVING', 'EXPLAIN'])
const COMPARISONS = new Set(['=', '!=', '<', '>', '<=', '>=', 'LIKE'])
const NOT_NAMES = new Set([...RESERVED, 'JOIN', 'RELATED', 'MATCH', 'LEFT', 'LIMIT', 'OFFSET', 'HAVING', 'EXPLAIN', 'DISTINCT', 'EXISTS', 'BETWEEN', 'LIKE', 'NIN'])

export type Clause = 'SELECT' | 'FROM' | 'JOIN' | 'RELATED' | 'MATCH' | 'WHERE' | 'ORDER' | 'GROUP' | 'HAVING' | 'EXPLAIN' | ''

/** Return the clause that goes on behind these tokens. */
export function clauseOf(tokens: readonly Token[]): Clause {
  let depth = 0
  for (let at = tokens.length - 1; at >= 0; at -= 1) {
    const key = tokens[at]?.key ?? ''
    if (key === ')' || key === '}') depth += 1
    else if ((key === '(' || key === '{') && depth > 0) depth -= 1
    // What is closed already, such as a query in brackets, is another's.
    if (depth === 0 && CLAUSES.has(key) && tokens[at - 1]?.key !== '.' && tokens[at]?.kind === 'word') return key as Clause
    if (depth === 0 && key === '{' && tokens[at - 1]?.key === 'EXISTS') return 'MATCH'
  }
  return ''
}

/** The path that ends at a place of the tokens: names, without a trailing dot. */
export function pathEndingAt(tokens: readonly Token[], last: number): readonly string[] {
  const steps: string[] = []
  let at = last
  if (tokens[at]?.key === ']' && tokens[at - 1]?.kind === 'number') at -= 3
  for (;;) {
    const token = tokens[at]
    if (token?.kind !== 'word' && token?.kind !== 'escaped') break
    steps.push(nameOf(token))
    if (tokens[at - 1]?.key !== '.') break
    at -= 2
  }
  return steps.reverse()
}

/** The path behind whose dot the cursor stands; empty where it stands behind none. */
export function pathBefore(tokens: readonly Token[]): readonly string[] {
  return tokens.at(-1)?.key === '.' ? pathEndingAt(tokens, tokens.length - 2) : []
}

/** The path with which the value at the cursor is compared: behind `=`, or in the list of IN. */
export function comparedPath(tokens: readonly Token[]): readonly string[] {
  let at = tokens.length - 1
  let inList = false
  for (; at >= 0; at -= 1) {
    const token = tokens[at]
    if (token?.key === ',' || token?.kind === 'string' || token?.kind === 'number' || LITERALS.has(token?.key ?? '')) continue
    if (token?.key === '[') { inList = true; at -= 1 }
    break
  }
  const key = tokens[at]?.key ?? ''
  if (inList ? key !== 'IN' && key !== 'NIN' && key !== 'NOT_IN' : !COMPARISONS.has(key) || at !== tokens.length - 1) {
    return inList ? [] : arrayContains(tokens)
  }
  return pathEndingAt(tokens, tokens[at - 1]?.key === 'NOT' ? at - 2 : at - 1)
}

/** `ARRAY_CONTAINS(path,`, `STARTSWITH(path,` compare too. */
function arrayContains(tokens: readonly Token[]): readonly string[] {
  if (tokens.at(-1)?.key !== ',') return []
  const path = pathEndingAt(tokens, tokens.length - 2)
  const open = tokens.length - 2 - (path.length * 2 - 1)
  const call = tokens[open - 1]?.key ?? ''
  return tokens[open]?.key === '(' && ['ARRAY_CONTAINS', 'STARTSWITH', 'CONTAINS', 'ENDSWITH'].includes(call) ? path : []
}

/** Whether a string here is the model of IS_OF_MODEL. */
export function isModelArgument(tokens: readonly Token[]): boolean {
  const last = tokens.length - 1
  if (tokens[last]?.key === '(') return tokens[last - 1]?.key === 'IS_OF_MODEL'
  return tokens[last]?.key === ',' && tokens[last - 2]?.key === '(' && tokens[last - 3]?.key === 'IS_OF_MODEL'
}

/** The first argument of IS_OF_MODEL: an alias or a model. */
export function isFirstOfModel(tokens: readonly Token[]): boolean {
  return tokens.at(-1)?.key === '(' && tokens.at(-2)?.key === 'IS_OF_MODEL'
}

/** Whether the name of a relationship comes next: `-[r:` or `|` of a pattern. */
export function namesRelationship(tokens: readonly Token[]): boolean {
  const last = tokens.length - 1
  const key = tokens[last]?.key
  if ((key !== ':' && key !== '|') || clauseOf(tokens) !== 'MATCH') return false
  for (let at = last; at >= Math.max(0, last - 60); at -= 1) {
    if (tokens[at]?.key === ']') return false
    if (tokens[at]?.key === '[') return true
  }
  return false
}

/** The node from which the edge at the cursor starts, by its alias: `(a)-[:`. */
export function nodeBefore(tokens: readonly Token[]): string {
  for (let at = tokens.length - 1; at > 1; at -= 1) {
    if (tokens[at]?.key === ')') return tokens[at - 2]?.key === '(' ? nameOf(tokens[at - 1]) : ''
  }
  return ''
}

/** Whether a value or a name stands before the cursor, so that a word goes on with the query. */
export function endsValue(tokens: readonly Token[]): boolean {
  const last = tokens.at(-1)
  if (!last) return false
  if (last.key === ')') return !(tokens.at(-3)?.key === '(' && tokens.at(-4)?.key === 'TOP')
  if (last.kind === 'word') {
    return (!NOT_NAMES.has(last.key) && !FUNCTION_NAMES.has(last.key)) || LITERALS.has(last.key) || tokens.at(-2)?.key === '.'
  }
  if (last.key === '*') return tokens.at(-2)?.key === 'SELECT' || tokens.at(-2)?.key === ')' || tokens.at(-2)?.key === 'DISTINCT'
  return last.kind === 'string' || last.kind === 'escaped' || last.kind === 'number' || last.key === ']' || last.key === '}'
}
