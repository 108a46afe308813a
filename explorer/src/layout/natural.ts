/** The order that people expect: room-2 before room-10. */
const collator = new Intl.Collator('en', { numeric: true })

function compare(one: string, other: string): number {
  return collator.compare(one, other) || (one < other ? -1 : one > other ? 1 : 0)
}

/** Return for each text its place in the natural order of all of them. */
export function ranksOf(texts: readonly string[]): Int32Array {
  const ranks = new Int32Array(texts.length)
  texts.map((text, index) => [text, index] as const).sort(([one], [other]) => compare(one, other)).forEach(([, index], rank) => { ranks[index] = rank })
  return ranks
}
