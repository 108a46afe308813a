/** Text of openCypher to the tokens that the other language has too. Broken text has tokens as well: nothing here fails. */
import type { Token, TokenKind } from '../tokens'

const TOKEN = /(?<comment>\/\/[^\n]*|\/\*(?:[^*]|\*(?!\/))*(?:\*\/|$))|(?<word>[\p{L}_$][\p{L}\p{N}_$]*)|(?<escaped>`[^`]*(?:``[^`]*)*(?:`|$))|(?<number>0[xX][0-9a-fA-F]+|0[oO][0-7]+|(?:\d+(?:\.\d+)?|\.\d+)(?:[eE][+-]?\d+)?)|(?<string>'[^'\\]*(?:\\.[^'\\]*)*(?:'|\\?$)|"[^"\\]*(?:\\.[^"\\]*)*(?:"|\\?$))|(?<operator>\.\.|<=|>=|<>|=~|\+=|[=<>()[\]{},.*:|+\-/%^;!&])|(?<bad>\S)/gsu

function isClosed(kind: TokenKind, text: string): boolean {
  if (kind === 'escaped') return text.length > 1 && /^`[^`]*(?:``[^`]*)*`$/.test(text)
  return text.length > 1 && /^(['"])(?:(?!\1)[^\\]|\\.)*\1$/s.test(text)
}

/** All tokens of a text. Comments are left out unless they are wanted. */
export function tokenize(text: string, comments = false): Token[] {
  const tokens: Token[] = []
  for (const match of text.matchAll(TOKEN)) {
    const groups = match.groups ?? {}
    const kind = (Object.keys(groups) as TokenKind[]).find((name) => groups[name] !== undefined) ?? 'bad'
    if (kind === 'comment' && !comments) continue
    const word = match[0]
    const quotes = kind === 'string' || kind === 'escaped'
    tokens.push({ kind, text: word, key: kind === 'word' ? word.toUpperCase() : word, start: match.index, end: match.index + word.length, open: quotes && !isClosed(kind, word) })
  }
  return tokens
}

/** Return the name that a token writes, without its backticks. */
export function nameOf(token: Token | undefined): string {
  if (!token) return ''
  return token.kind === 'escaped' ? token.text.slice(1, token.open ? undefined : -1).replaceAll('``', '`') : token.text
}
