/** How well a text answers what was typed, and where it does. */

export interface Hit { readonly score: number; readonly marks: readonly (readonly [number, number])[] }

const PREFIX = 100
const WORD = 70
const INNER = 40
const SCATTERED = 10

/** Rank a text: its beginning, then the beginning of a word, then inside, then letters in order. Undefined where it does not match. */
export function rank(text: string, typed: string): Hit | undefined {
  const words = typed.toLowerCase().split(/\s+/).filter(Boolean)
  if (words.length === 0) return { score: 0, marks: [] }
  const low = text.toLowerCase()
  const marks: [number, number][] = []
  let score = 0
  for (const word of words) {
    const place = low.indexOf(word)
    if (place >= 0) {
      const inner = place > 0 && /[\p{L}\p{N}]/u.test(low[place - 1] ?? '') ? placeAtWord(low, word) ?? place : place
      score += inner === 0 ? PREFIX : /[\p{L}\p{N}]/u.test(low[inner - 1] ?? '') ? INNER : WORD
      marks.push([inner, word.length])
    } else {
      const scattered = lettersInOrder(low, word)
      if (!scattered) return undefined
      score += SCATTERED
      marks.push(...scattered)
    }
  }
  return { score: score / words.length - text.length / 1000, marks: marks.sort((one, other) => one[0] - other[0]) }
}

function placeAtWord(text: string, word: string): number | undefined {
  for (let at = text.indexOf(word); at >= 0; at = text.indexOf(word, at + 1)) {
    if (at === 0 || !/[\p{L}\p{N}]/u.test(text[at - 1] ?? '')) return at
  }
  return undefined
}

function lettersInOrder(text: string, word: string): [number, number][] | undefined {
  if (word.length < 3) return undefined
  const marks: [number, number][] = []
  let at = -1
  for (const letter of word) {
    at = text.indexOf(letter, at + 1)
    if (at < 0) return undefined
    marks.push([at, 1])
  }
  const span = (marks.at(-1)?.[0] ?? 0) - (marks[0]?.[0] ?? 0)
  return span <= word.length * 3 ? marks : undefined
}
