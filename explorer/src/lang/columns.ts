/** The columns that SELECT asks for, and under which keys a row has them. */
import { pathEndingAt } from './place'
import { scopeOf } from './scope'
import { nameOf, type Token, tokenize } from './tokens'

export interface Selected {
  /** The member of the row. */
  readonly key: string
  /** What it holds, as far as the text says. */
  readonly kind: 'twin' | 'relationship' | 'twinId' | 'value'
  /** The whole path, where it is one: `room.name`. */
  readonly path: string
}

const ENDS = new Set(['FROM', 'WHERE', 'GROUP', 'ORDER', 'HAVING', 'LIMIT', 'OFFSET'])
const IDS = new Set(['$dtId', '$sourceId', '$targetId'])
const OPENING = new Set(['(', '[', '{'])
const CLOSING = new Set([')', ']', '}'])

/** Return the columns of a query; undefined for `*`, and where the text does not say. */
export function selectedOf(text: string): readonly Selected[] | undefined {
  const tokens = tokenize(text)
  let at = tokens.findIndex((token) => token.key === 'SELECT') + 1
  if (at === 0) return undefined
  if (tokens[at]?.key === 'DISTINCT') at += 1
  if (tokens[at]?.key === 'TOP') at += 4
  if (tokens[at]?.key === 'DISTINCT') at += 1
  const parts = split(tokens, at)
  if (parts.length === 0 || parts.some((part) => part.length === 0 || part[0]?.key === '*')) return undefined
  const { aliases } = scopeOf(tokens)
  const taken = new Set<string>()
  return parts.map((part, index) => {
    const named = part.at(-2)?.key === 'AS' ? part.slice(0, -2) : part
    const path = isPath(named) ? pathEndingAt(named, named.length - 1) : []
    const whole = path.join('.')
    const key = free(named === part ? keyOf(named, path, index) : nameOf(part.at(-1)), whole, taken)
    taken.add(key)
    const alias = path.length === 1 ? aliases.get(path[0] ?? '') : undefined
    const kind = alias === 'twin' || alias === 'relationship' ? alias : IDS.has(path.at(-1) ?? '') ? 'twinId' : 'value'
    return { key, kind, path: whole }
  })
}

function split(tokens: readonly Token[], from: number): Token[][] {
  const parts: Token[][] = [[]]
  let depth = 0
  for (const token of tokens.slice(from)) {
    if (depth === 0 && ENDS.has(token.key) && token.kind === 'word') return parts
    if (OPENING.has(token.key)) depth += 1
    else if (CLOSING.has(token.key)) depth -= 1
    if (depth === 0 && token.key === ',') parts.push([])
    else parts.at(-1)?.push(token)
  }
  return parts
}

function isPath(tokens: readonly Token[]): boolean {
  return tokens.length % 2 === 1 && tokens.every((token, index) => (index % 2 === 1 ? token.key === '.' : token.kind === 'word' || token.kind === 'escaped'))
}

function keyOf(tokens: readonly Token[], path: readonly string[], index: number): string {
  if (path.length > 0) return path.at(-1) ?? ''
  const [first, second] = tokens
  return first?.kind === 'word' && second?.key === '(' && tokens.at(-1)?.key === ')' ? first.key : `$${index + 1}`
}

/** Of two columns with one key the later one is keyed by its whole path, or numbered. */
function free(key: string, whole: string, taken: ReadonlySet<string>): string {
  if (!taken.has(key)) return key
  if (whole !== '' && !taken.has(whole)) return whole
  for (let n = 2; ; n += 1) if (!taken.has(`${key}#${n}`)) return `${key}#${n}`
}

/** The column by which a query orders first, as far as it is one of those that it selects. */
export function orderOf(text: string, selected: readonly Selected[] | undefined): { readonly key: string; readonly down: boolean } | undefined {
  const tokens = tokenize(text)
  const at = tokens.findLastIndex((token) => token.key === 'ORDER')
  if (at < 0 || tokens[at + 1]?.key !== 'BY') return undefined
  const [first = []] = split(tokens, at + 2)
  const down = first.at(-1)?.key === 'DESC'
  const path = down || first.at(-1)?.key === 'ASC' ? first.slice(0, -1) : first
  if (!isPath(path)) return undefined
  const whole = pathEndingAt(path, path.length - 1).join('.')
  // A path, or the name that AS gave a column.
  const column = selected?.find((each) => each.path === whole || each.key === whole)
  return column ? { key: column.key, down } : selected === undefined ? { key: whole.split('.').at(-1) ?? whole, down } : undefined
}
