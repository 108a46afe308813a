/** Where things stand in a text that was read as JSON. */

export interface Span { readonly from: number; readonly to: number }
/** Both from 1, as editors count. */
export interface Position { readonly line: number; readonly column: number }

const TOKEN = /"(?:[^"\\]|\\.)*"|[{}[\]:,]|[^\s{}[\]:,"]+/gy

function skipped(text: string, at: number): number {
  // A byte order mark is white space here.
  let next = at
  while (next < text.length && /\s/.test(text.charAt(next))) next += 1
  return next
}

/** The token that begins behind white space. */
function tokenAt(text: string, at: number): Span {
  const from = skipped(text, at)
  TOKEN.lastIndex = from
  return { from, to: from + (TOKEN.exec(text)?.[0].length ?? 1) }
}

/** The value that begins behind white space, whole. */
function valueAt(text: string, at: number): Span {
  const first = tokenAt(text, at)
  let depth = 0
  for (let { from, to } = first; from < text.length; { from, to } = tokenAt(text, to)) {
    const sign = text.charAt(from)
    if (sign === '{' || sign === '[') depth += 1
    else if (sign === '}' || sign === ']') depth -= 1
    if (depth <= 0) return { from: first.from, to }
  }
  return { from: first.from, to: text.length }
}

/** The values of a list, or the one value that a text is. */
export function elementsOf(text: string): readonly Span[] {
  const whole = valueAt(text, 0)
  if (text.charAt(whole.from) !== '[') return [whole]
  const found: Span[] = []
  for (let at = skipped(text, whole.from + 1); at < whole.to && text.charAt(at) !== ']';) {
    const element = valueAt(text, at)
    found.push(element)
    const next = skipped(text, element.to)
    at = text.charAt(next) === ',' ? skipped(text, next + 1) : whole.to
  }
  return found
}

/** Where what a pointer names begins: a member's name, an element. What is not there is as far in as there is something. */
export function offsetOfPointer(text: string, parts: readonly string[], from = 0): number {
  const start = skipped(text, from)
  const [first, ...rest] = parts
  const isObject = text.charAt(start) === '{'
  if (first === undefined || !(isObject || text.charAt(start) === '[')) return start
  for (let at = skipped(text, start + 1), index = 0; at < text.length && !'}]'.includes(text.charAt(at)); index += 1) {
    const name = isObject ? tokenAt(text, at) : undefined
    const value = valueAt(text, name ? tokenAt(text, name.to).to : at)
    if (name ? nameOf(text.slice(name.from, name.to)) === first : String(index) === first) return name && rest.length === 0 ? name.from : offsetOfPointer(text, rest, value.from)
    const next = skipped(text, value.to)
    if (text.charAt(next) !== ',') break
    at = skipped(text, next + 1)
  }
  return start
}

function nameOf(token: string): string | undefined {
  try {
    return String(JSON.parse(token))
  } catch {
    return undefined
  }
}

export function positionOf(text: string, offset: number): Position {
  const before = text.slice(0, offset)
  return { line: before.split('\n').length, column: offset - (before.lastIndexOf('\n') + 1) + 1 }
}

/** Offset of a line from 1 and a column from 0 in code points, as the server tells them. */
export function offsetOf(text: string, line: number, column: number): number {
  let start = 0
  for (let n = 1; n < line; n += 1) {
    const end = text.indexOf('\n', start)
    if (end < 0) return text.length
    start = end + 1
  }
  const end = text.indexOf('\n', start)
  const points = Array.from(text.slice(start, end < 0 ? text.length : end)).slice(0, column)
  return start + points.join('').length
}

/** The token at a place, to be underlined. */
export function tokenSpan(text: string, offset: number): Span { return tokenAt(text, offset) }

/** Texts of several files put into one list, and the way back from a place in it. */
export interface Joined { readonly text: string; readonly starts: readonly number[] }

export function joined(parts: readonly string[]): Joined {
  const starts: number[] = []
  let text = '['
  for (const part of parts) {
    if (starts.length > 0) text += ',\n'
    starts.push(text.length)
    text += part
  }
  return { text: `${text}]`, starts }
}

/** Which part an offset is in, and where in it. */
export function partAt({ starts }: Joined, offset: number): { readonly index: number; readonly offset: number } | undefined {
  const index = starts.findLastIndex((start) => start <= offset)
  const start = starts[index]
  return start === undefined ? undefined : { index, offset: offset - start }
}
