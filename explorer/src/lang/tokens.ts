/** Query text to tokens. Broken text has tokens too: nothing here fails. */

export type TokenKind = 'word' | 'number' | 'string' | 'escaped' | 'operator' | 'comment' | 'bad'

export interface Token {
  readonly kind: TokenKind
  readonly text: string
  /** What is compared: words in capitals, all else as it is written. */
  readonly key: string
  readonly start: number
  readonly end: number
  /** A string that nothing closes. */
  readonly open: boolean
}

const TOKEN = /(?<comment>--[^\n]*)|(?<word>[\p{L}_$][\p{L}\p{N}_$]*)|(?<escaped>\[\[[^[\]]+\]\])|(?<number>\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)|(?<string>'[^'\\]*(?:(?:\\.|'')[^'\\]*)*(?:'|\\?$)|"[^"\\]*(?:\\.[^"\\]*)*(?:"|\\?$))|(?<operator>\.\.|<=|>=|<>|!=|==|[=<>()[\],.*:|+\-/%{};!])|(?<bad>\S)/gsu

const SPELLINGS: Readonly<Record<string, string>> = { '==': '=', '<>': '!=' }

function isClosed(text: string): boolean {
  return text.length > 1 && text.at(-1) === text[0] && /^(['"])(?:(?!\1)[^\\]|\\.|\1\1)*\1$/s.test(text)
}

/** All tokens of a text. Comments are left out unless they are wanted. */
export function tokenize(text: string, comments = false): Token[] {
  const tokens: Token[] = []
  for (const match of text.matchAll(TOKEN)) {
    const groups = match.groups ?? {}
    const kind = (Object.keys(groups) as TokenKind[]).find((name) => groups[name] !== undefined) ?? 'bad'
    if (kind === 'comment' && !comments) continue
    const word = match[0]
    const key = kind === 'word' ? word.toUpperCase() : SPELLINGS[word] ?? word
    tokens.push({ kind, text: word, key, start: match.index, end: match.index + word.length, open: kind === 'string' && !isClosed(word) })
  }
  return tokens
}

/** Return the name that a token writes, without its brackets. */
export function nameOf(token: Token | undefined): string {
  if (!token) return ''
  return token.kind === 'escaped' ? token.text.slice(2, -2) : token.text
}

/** Return the text that a string literal stands for, closed or not. */
export function textOf(token: Token | undefined): string {
  if (token?.kind !== 'string') return ''
  const body = token.open ? token.text.slice(1) : token.text.slice(1, -1)
  return body.replace(/\\(?:u([0-9a-fA-F]{4})|(.))|''/gs, (_whole, code?: string, plain?: string) =>
    (code === undefined ? plain ?? "'" : String.fromCharCode(Number.parseInt(code, 16))))
}

export interface Statement { readonly text: string; readonly start: number; readonly end: number }

/** Return the statement in which a place lies: a semicolon outside of strings ends one. */
export function statementAt(text: string, place: number): Statement {
  let start = 0
  let end = text.length
  for (const token of tokenize(text)) {
    if (token.key !== ';') continue
    if (token.end <= place && text.slice(token.end).trim() !== '') start = token.end
    else if (token.start >= start) { end = token.start; break }
  }
  const body = text.slice(start, end)
  const lead = body.length - body.trimStart().length
  return { text: body.trim(), start: start + lead, end: start + lead + body.trim().length }
}

/** Whether a statement says EXPLAIN already. */
export function isExplain(text: string): boolean { return tokenize(text)[0]?.key === 'EXPLAIN' }

/** Names of parameters, `$name`, that a text has. */
export function parametersOf(text: string, system: ReadonlySet<string>): readonly string[] { return parametersAmong(tokenize(text), system) }

/** Names of parameters among tokens, of whichever language. */
export function parametersAmong(tokens: readonly Token[], system: ReadonlySet<string>): readonly string[] {
  const found = tokens.filter((token, index) => token.kind === 'word' && token.text.startsWith('$') && token.text.length > 1
    && !system.has(token.text) && !token.text.startsWith('$lastUpdate') && tokens[index - 1]?.key !== '.')
  return [...new Set(found.map((token) => token.text.slice(1)))]
}
