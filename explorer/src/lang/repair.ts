/** What a message of the server suggests, as a change of the text. */

export interface Place { readonly line: number; readonly column: number; readonly length: number }

export interface Repair {
  readonly from: number
  readonly to: number
  readonly insert: string
  readonly kind: 'replace' | 'insert' | 'close'
  /** What stands there now. */
  readonly old: string
}

/** Return the offset of a place: lines from 1, columns from 0. */
export function offsetOf(text: string, place: Place): number {
  let from = 0
  for (let line = 1; line < place.line; line += 1) {
    const next = text.indexOf('\n', from)
    if (next < 0) return text.length
    from = next + 1
  }
  // The server counts characters beyond the first plane once.
  let units = 0
  for (const character of text.slice(from, from + place.column * 2)) {
    if (place.column <= countOf(text.slice(from, from + units))) break
    units += character.length
  }
  return Math.min(text.length, from + units)
}

function countOf(text: string): number { return [...text].length }

/** Return what a place covers: to the end of the token, at least a character where there is one. */
export function rangeOf(text: string, place: Place): { readonly from: number; readonly to: number } {
  const from = offsetOf(text, place)
  const to = Math.min(text.length, from + Math.max(1, place.length))
  return from < text.length ? { from, to } : { from: Math.max(0, text.length - 1), to: text.length }
}

/** How many letters have to change to make one word the other. */
export function distance(one: string, other: string): number {
  let row = Array.from({ length: other.length + 1 }, (_each, index) => index)
  for (let i = 1; i <= one.length; i += 1) {
    const next = [i]
    for (let j = 1; j <= other.length; j += 1) {
      next.push(Math.min((row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1, (row[j - 1] ?? 0) + (one[i - 1] === other[j - 1] ? 0 : 1)))
    }
    row = next
  }
  return row[other.length] ?? 0
}

function isMistyped(word: string, of: string): boolean {
  const sorted = (text: string): string => [...text].sort().join('')
  return distance(word.toUpperCase(), of.toUpperCase()) <= Math.max(1, of.length / 3) || sorted(word.toUpperCase()) === sorted(of.toUpperCase())
}

/** Return the repair that a message of an error of a query offers, if it offers one. */
export function repairOf(text: string, message: string, place: Place): Repair | undefined {
  const from = offsetOf(text, place)
  const to = Math.min(text.length, from + place.length)
  const old = text.slice(from, to)
  const meant = /Did you mean (.+?)\?/.exec(message)?.[1] ?? /(?:reserved word|; write) .*?(\[\[.+?\]\])$/.exec(message)?.[1]
  if (meant !== undefined) return { from, to, insert: meant, kind: 'replace', old }
  const closing = /has no closing (['"])/.exec(message)?.[1]
  if (closing !== undefined) {
    const end = text.indexOf('\n', from)
    const at = text.slice(0, end < 0 ? text.length : end).trimEnd().length
    return { from: at, to: at, insert: closing, kind: 'close', old: '' }
  }
  if (/strings stand in plain quotes/.test(message)) return straightened(text, from)
  const wanted = /expecting '([^']+)'(?:$|[.;])/.exec(message)?.[1] ?? /^missing (\w+) at /.exec(message)?.[1]
  if (wanted !== undefined) return isMistyped(old, wanted) ? { from, to, insert: wanted, kind: 'replace', old } : inserted(from, wanted)
  const sign = /; write (\S{1,2})$/.exec(message)?.[1]
  return sign === undefined ? undefined : { from, to, insert: sign, kind: 'replace', old }
}

function inserted(from: number, word: string): Repair {
  return { from, to: from, insert: /^\w/.test(word) ? `${word} ` : word, kind: 'insert', old: '' }
}

/** Put plain quotes around a text in typographic ones. */
function straightened(text: string, from: number): Repair | undefined {
  const found = /^[“”„‘’‚«»]([^“”„‘’‚«»\n]*)[“”„‘’‚«»]?/u.exec(text.slice(from))
  return found ? { from, to: from + found[0].length, insert: `'${(found[1] ?? '').replaceAll("'", "\\'")}'`, kind: 'replace', old: found[0] } : undefined
}

/** Return the repair of a warning, `no model declares a property temprature. Did you mean temperature?`. */
export function warned(text: string, warning: string): { readonly from: number; readonly to: number; readonly repair: Repair | undefined } | undefined {
  const [, word] = /no model (?:declares|is|has)[^.]*? (\S+?)\.?(?: Did you mean|$)/.exec(warning) ?? []
  if (word === undefined) return undefined
  const at = new RegExp(`(?<![\\p{L}\\p{N}_$])${word.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}(?![\\p{L}\\p{N}_$])`, 'u').exec(text)
  if (!at) return undefined
  const to = at.index + word.length
  const meant = /Did you mean (.+?)\?/.exec(warning)?.[1]
  return { from: at.index, to, repair: meant === undefined ? undefined : { from: at.index, to, insert: meant, kind: 'replace', old: word } }
}
