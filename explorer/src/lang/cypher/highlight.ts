/** What colour each piece of a line of openCypher has. */
import type { LineState, Piece, Style } from '../highlight'
import { FUNCTION_NAMES, LITERALS, WORDS } from './words'

const PIECE = /(?<comment>\/\/.*|\/\*(?:[^*]|\*(?!\/))*(?:\*\/|$))|(?<word>[\p{L}_$][\p{L}\p{N}_$]*)|(?<escaped>`[^`]*(?:``[^`]*)*(?:`|$))|(?<number>0[xX][0-9a-fA-F]+|(?:\d+(?:\.\d+)?)(?:[eE][+-]?\d+)?)|(?<string>'[^'\\]*(?:\\.[^'\\]*)*(?:'|\\?$)|"[^"\\]*(?:\\.[^"\\]*)*(?:"|\\?$))|(?<operator>\.\.|<=|>=|<>|=~|\+=|[=<>()[\]{},.*:|+\-/%^;!&])|(?<blank>\s+)|(?<bad>.)/uy

/** Return the piece of a line that begins at a place; `open` in the state is a comment that goes on. */
export function cypherPieceAt(line: string, from: number, state: LineState): Piece {
  if (state.open === true) {
    const end = line.indexOf('*/', from)
    return { length: Math.max(1, (end < 0 ? line.length : end + 2) - from), style: 'comment', state: end < 0 ? state : { ...state, open: false } }
  }
  PIECE.lastIndex = from
  const groups = PIECE.exec(line)?.groups ?? {}
  const [kind, text = ''] = Object.entries(groups).find(([, value]) => value !== undefined) ?? ['bad', line[from] ?? ' ']
  const length = Math.max(1, text.length)
  if (kind === 'blank') return { length, style: undefined, state }
  if (kind === 'comment') return { length, style: 'comment', state: text.startsWith('/*') && !text.endsWith('*/') ? { ...state, open: true } : state }
  const style = kind === 'word' ? styleOfWord(text, state.last, line.slice(from + length)) : kind === 'escaped' ? 'field' : (kind as Style)
  return { length, style, state: { ...state, last: kind === 'word' ? text.toUpperCase() : text } }
}

function styleOfWord(word: string, last: string, rest: string): Style {
  const key = word.toUpperCase()
  if (last === '.') return 'field'
  if (last === ':' || last === '|' || last === '&') return 'collection'
  if (LITERALS.has(key)) return 'literal'
  if (FUNCTION_NAMES.has(key) && /^\s*[({]/.test(rest)) return 'function'
  // A name of a map stands before a colon, a word of the language never does.
  if (WORDS.has(key) && !/^\s*:/.test(rest)) return 'keyword'
  return word.startsWith('$') ? 'field' : 'name'
}
