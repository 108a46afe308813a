/** What colour each piece of a line of a query has; the editor asks line by line. */
import { COLLECTIONS, CONTEXTUAL, FUNCTION_NAMES, LITERALS, RESERVED } from './words'

export type Style = 'keyword' | 'function' | 'collection' | 'string' | 'number' | 'literal' | 'comment' | 'name' | 'field' | 'operator' | 'bad'

export interface LineState {
  /** The last piece that is no blank and no comment, words in capitals. */
  readonly last: string
  /** The language of the statement, once its first word has told it. */
  readonly language?: 'adt' | 'cypher'
  /** A comment goes on. */
  readonly open?: boolean
}

export const BEGIN: LineState = { last: '' }

const PIECE = /(?<comment>--.*)|(?<word>[\p{L}_$][\p{L}\p{N}_$]*)|(?<escaped>\[\[[^[\]]+\]\])|(?<number>\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)|(?<string>'[^'\\]*(?:(?:\\.|'')[^'\\]*)*(?:'|\\?$)|"[^"\\]*(?:\\.[^"\\]*)*(?:"|\\?$))|(?<operator>\.\.|<=|>=|<>|!=|==|[=<>()[\],.*:|+\-/%{};!])|(?<blank>\s+)|(?<bad>.)/uy

export interface Piece { readonly length: number; readonly style: Style | undefined; readonly state: LineState }

/** Return the piece of a line that begins at a place. */
export function pieceAt(line: string, from: number, state: LineState): Piece {
  PIECE.lastIndex = from
  const groups = PIECE.exec(line)?.groups ?? {}
  const [kind, text = ''] = Object.entries(groups).find(([, value]) => value !== undefined) ?? ['bad', line[from] ?? ' ']
  const length = Math.max(1, text.length)
  if (kind === 'blank') return { length, style: undefined, state }
  if (kind === 'comment') return { length, style: 'comment', state }
  const style = kind === 'word' ? styleOfWord(text, state.last, line.slice(from + length)) : kind === 'escaped' ? 'field' : (kind as Style)
  return { length, style, state: { last: kind === 'word' ? text.toUpperCase() : text } }
}

function styleOfWord(word: string, last: string, rest: string): Style {
  const key = word.toUpperCase()
  if (last === '.' || ((last === ':' || last === '|') && !LITERALS.has(key))) return 'field'
  if (last === 'FROM' && Object.hasOwn(COLLECTIONS, key)) return 'collection'
  if (LITERALS.has(key)) return 'literal'
  if (FUNCTION_NAMES.has(key) && /^\s*\(/.test(rest)) return 'function'
  if (RESERVED.has(key)) return 'keyword'
  if (CONTEXTUAL.has(key) && !FUNCTION_NAMES.has(key) && !Object.hasOwn(COLLECTIONS, key)) return 'keyword'
  return word.startsWith('$') ? 'field' : 'name'
}
