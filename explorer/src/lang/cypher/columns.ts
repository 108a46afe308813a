/** The columns that the last RETURN asks for, and under which keys a row has them. */
import { NO_MODELS } from '@/dtdl/models'
import type { Selected } from '../columns'
import type { Token } from '../tokens'
import { pathEndingAt } from './place'
import { cypherScopeOf } from './scope'
import { nameOf, tokenize } from './tokens'

const ENDS = new Set(['ORDER', 'SKIP', 'LIMIT', 'UNION'])
const OPENING = new Set(['(', '[', '{'])
const CLOSING = new Set([')', ']', '}'])
const IDS = new Set(['$dtId', '$sourceId', '$targetId'])

function split(tokens: readonly Token[], from: number): Token[][] {
  const parts: Token[][] = [[]]
  let depth = 0
  for (const [at, token] of tokens.slice(from).entries()) {
    if (depth === 0 && token.kind === 'word' && ENDS.has(token.key) && tokens[from + at - 1]?.key !== '.') return parts
    if (OPENING.has(token.key)) depth += 1
    else if (CLOSING.has(token.key)) depth -= 1
    if (depth === 0 && token.key === ',') parts.push([])
    else if (token.key !== ';') parts.at(-1)?.push(token)
  }
  return parts
}

/** Return the columns of a query; undefined for `*`, and where the text does not say. */
export function cypherSelectedOf(text: string): readonly Selected[] | undefined {
  const tokens = tokenize(text)
  let at = tokens.findLastIndex((token, index) => token.key === 'RETURN' && tokens[index - 1]?.key !== '.') + 1
  if (at === 0) return undefined
  if (tokens[at]?.key === 'DISTINCT') at += 1
  const parts = split(tokens, at)
  if (parts.some((part) => part.length === 0 || part[0]?.key === '*')) return undefined
  const { aliases } = cypherScopeOf(tokens, NO_MODELS)
  return parts.map((part) => {
    const isNamed = part.length > 2 && part.at(-2)?.key === 'AS'
    const told = isNamed ? part.slice(0, -2) : part
    const path = pathOf(told)
    // A column without a name is called by its text.
    const key = isNamed ? nameOf(part.at(-1)) : path.length === 1 ? path[0] ?? '' : text.slice(told[0]?.start ?? 0, told.at(-1)?.end ?? 0)
    const alias = path.length === 1 ? aliases.get(path[0] ?? '') : undefined
    const isId = IDS.has(path.at(-1) ?? '') || (told.length === 4 && (told[0]?.key === 'ID' || told[0]?.key === 'ELEMENTID') && aliases.get(nameOf(told[2])) === 'twin')
    return { key, kind: alias === 'twin' || alias === 'relationship' ? alias : isId ? 'twinId' : 'value', path: path.join('.') }
  })
}

function pathOf(tokens: readonly Token[]): readonly string[] {
  const path = pathEndingAt(tokens, tokens.length - 1)
  return path.length * 2 - 1 === tokens.length ? path : []
}

/** The column by which a query orders first, as far as it is one of those that it returns. */
export function cypherOrderOf(text: string, selected: readonly Selected[] | undefined): { readonly key: string; readonly down: boolean } | undefined {
  const tokens = tokenize(text)
  const returns = tokens.findLastIndex((token) => token.key === 'RETURN')
  const at = tokens.findLastIndex((token) => token.key === 'ORDER')
  if (at < returns || tokens[at + 1]?.key !== 'BY') return undefined
  const [first = []] = split(tokens, at + 2)
  const end = first.at(-1)?.key ?? ''
  const down = end === 'DESC' || end === 'DESCENDING'
  const told = down || end === 'ASC' || end === 'ASCENDING' ? first.slice(0, -1) : first
  const written = text.slice(told[0]?.start ?? 0, told.at(-1)?.end ?? 0)
  const whole = pathOf(told).join('.')
  const column = selected?.find((each) => each.key === written || each.key === whole || (whole !== '' && each.path === whole))
  return column && { key: column.key, down }
}
