/** Colours of queries in either language: the first word of a statement tells which. */
import { cypherPieceAt } from './cypher/highlight'
import { beginsCypher } from './cypher/words'
import { BEGIN, type LineState, pieceAt, type Piece } from './highlight'

/** Words before which may stand another one that decides. */
const UNDECIDED = new Set(['EXPLAIN', 'PROFILE'])

/** Return the piece of a line that begins at a place. */
export function queryPieceAt(line: string, from: number, state: LineState): Piece {
  const language = state.open === true ? 'cypher' : state.language ?? languageAt(line, from)
  const piece = language === 'cypher' ? cypherPieceAt(line, from, state) : pieceAt(line, from, state)
  const { last, open } = piece.state
  if (last === ';') return { ...piece, state: BEGIN }
  const decided = state.language ?? (last === '' || UNDECIDED.has(last) || open === true ? undefined : language)
  return { ...piece, state: { last, ...(open === true && { open }), ...(decided !== undefined && { language: decided }) } }
}

/** What begins here may be a comment, which looks as its language says, or the word that decides. */
function languageAt(line: string, from: number): 'adt' | 'cypher' {
  const rest = line.slice(from)
  if (/^\/[/*]/.test(rest)) return 'cypher'
  return beginsCypher(/^[A-Za-z]+/.exec(rest)?.[0] ?? '') ? 'cypher' : 'adt'
}
