/** Names where there is little room: what the place says already goes first, what tells apart stays (design 3.7). */

export type Measure = (text: string) => number

const DOTS = '…'
const LEAST_HEAD = 3
const LEAST_END = 2

function startsWithWord(text: string, word: string): boolean {
  return word !== '' && text.length > word.length + 1 && text.toLowerCase().startsWith(`${word.toLowerCase()} `)
}

/** `MeetingRoom` as people write it: `Meeting room`. */
export function words(name: string): string {
  return name.replaceAll(/([\p{Ll}\d])(\p{Lu})/gu, '$1 $2').replaceAll(/(\p{Lu})(\p{Lu}\p{Ll})/gu, '$1 $2')
}

/** "Meeting room Hazel" of a Meeting Room is "Hazel"; a number or a letter alone would say nothing and keeps its word. */
export function withoutModel(label: string, model: string): string {
  if (!startsWithWord(label, model)) return label
  const rest = label.slice(model.length).trim()
  return /^\p{L}{3}/u.test(rest) ? rest.charAt(0).toUpperCase() + rest.slice(1) : label
}

/** "Occupancy Meeting room Hazel" in "Meeting room Hazel" is "Occupancy". */
export function withoutPlace(label: string, places: readonly string[]): string {
  for (const place of places) {
    const cut = label.length - place.length
    if (place === '' || cut < 2 || label.slice(cut).toLowerCase() !== place.toLowerCase()) continue
    const rest = label.slice(0, cut)
    if (/[\s,·–-]$/u.test(rest) && rest.trim() !== '') return rest.replace(/[\s,·–-]+$/u, '')
  }
  return label
}

/** Return the longest beginning of `text` that fits with `tail` behind it; '' where not even `least` letters do. */
function beginning(text: string, tail: string, most: number, measure: Measure, least: number): string {
  const letters = [...text]
  let low = 0
  let high = letters.length
  while (low < high) {
    const middle = (low + high + 1) >> 1
    if (measure(letters.slice(0, middle).join('').trimEnd() + tail) <= most) low = middle
    else high = middle - 1
  }
  const found = letters.slice(0, low).join('').trimEnd()
  return low < least ? '' : found + tail
}

/** Cut a name to a width: the middle goes first, so that the last word stays; then the end. '' where nothing fits. */
export function fitted(text: string, most: number, measure: Measure): string {
  if (measure(text) <= most) return text
  const space = text.lastIndexOf(' ')
  if (space > LEAST_HEAD) {
    const cut = beginning(text.slice(0, space), `${DOTS} ${text.slice(space + 1)}`, most, measure, LEAST_HEAD)
    if (cut !== '') return cut
  }
  return beginning(text, DOTS, most, measure, LEAST_END)
}

/** Widths by letter, measured once: names are measured thousands of times a second while one zooms. */
export class Widths {
  readonly #letters = new Map<string, number>()

  constructor(private readonly width: (text: string) => number) {}

  readonly measure: Measure = (text) => {
    let sum = 0
    for (const letter of text) {
      let width = this.#letters.get(letter)
      if (width === undefined) {
        width = this.width(letter)
        this.#letters.set(letter, width)
      }
      sum += width
    }
    return sum
  }
}
