import type { LineState, Piece, Style } from './highlight'

const PIECE = /(?<field>"(?:[^"\\]|\\.)*"(?=\s*:))|(?<string>"(?:[^"\\]|\\.)*"?)|(?<number>-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)|(?<literal>true|false|null)|(?<operator>[[\]{}:,])|(?<blank>\s+)|(?<bad>.)/y

/** Return the piece of a line of JSON that begins at a place. */
export function jsonPieceAt(line: string, from: number, state: LineState): Piece {
  PIECE.lastIndex = from
  const groups = PIECE.exec(line)?.groups ?? {}
  const [kind, text = ''] = Object.entries(groups).find(([, value]) => value !== undefined) ?? ['bad', ' ']
  return { length: Math.max(1, text.length), style: kind === 'blank' ? undefined : (kind as Style), state }
}
