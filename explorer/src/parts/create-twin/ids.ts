/** Ids of things to come, in the manner of those that are there. Pure. */

const FORBIDDEN = /[/\\?#\p{Cc}]/u
const LONGEST = 128

export function isId(text: string): boolean { return text.length > 0 && text.length <= LONGEST && text.trim() === text && !FORBIDDEN.test(text) }

function nextOf(stem: string, ids: readonly string[]): string {
  const numbers = ids.flatMap((id) => {
    const found = id.startsWith(stem) ? /^\d+$/.exec(id.slice(stem.length)) : null
    return found ? [found[0]] : []
  })
  const width = Math.max(0, ...numbers.filter((each) => each.startsWith('0') || numbers.every((other) => other.length === each.length)).map((each) => each.length))
  const highest = numbers.reduce((most, each) => (BigInt(each) > most ? BigInt(each) : most), 0n)
  return stem + String(highest + 1n).padStart(width, '0')
}

/** Suggest an id: the number after the highest of the stem that most siblings have; else the model's name and a number. */
export function suggestId(siblings: readonly string[], model: string): string {
  const stems = new Map<string, number>()
  for (const id of siblings) {
    const stem = /^(.*?)\d+$/s.exec(id)?.[1]
    if (stem !== undefined) stems.set(stem, (stems.get(stem) ?? 0) + 1)
  }
  const [best] = [...stems].sort(([one, many], [other, more]) => more - many || other.localeCompare(one))
  if (best) return nextOf(best[0], siblings)
  const name = model.replace(/([a-z\d])([A-Z])/g, '$1-$2').replace(/\s+/g, '-').toLowerCase()
  return nextOf(`${name}-`, siblings)
}
