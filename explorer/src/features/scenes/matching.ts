/** Binding by name: patterns such as `room-{n}` find elements and say which twin each stands for. Pure. */

const HOLE = /\{(\w+)\}/g
const LONGEST = 200

export interface Match { readonly element: string; readonly twin: string }

function quoted(text: string): string { return text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&') }

/** Read a pattern; undefined where it cannot be one. A hole of one name has to hold the same text everywhere. */
export function readPattern(pattern: string): RegExp | undefined {
  if (pattern.trim() === '' || pattern.length > LONGEST) return undefined
  const named = new Set<string>()
  let source = ''
  let from = 0
  for (const hole of pattern.matchAll(HOLE)) {
    const name = hole[1] ?? ''
    source += quoted(pattern.slice(from, hole.index))
    // Names of groups must begin with a letter.
    source += named.has(name) ? `\\k<h_${name}>` : `(?<h_${name}>.+?)`
    named.add(name)
    from = hole.index + hole[0].length
  }
  return new RegExp(`^${source}${quoted(pattern.slice(from))}$`, 'u')
}

/** Which elements a pattern finds, and the twin's id for each: `to` has the same holes; empty, the element's id itself. */
export function matchesOf(elements: readonly string[], pattern: string, to: string): readonly Match[] {
  const found = readPattern(pattern)
  if (!found) return []
  return elements.flatMap((element) => {
    const hit = found.exec(element)
    if (!hit) return []
    const twin = to.trim() === '' ? element : to.replace(HOLE, (whole, name: string) => hit.groups?.[`h_${name}`] ?? whole)
    return [{ element, twin }]
  })
}

/** Holes of the twin's pattern that the element's does not have. */
export function missingHoles(pattern: string, to: string): readonly string[] {
  const has = new Set([...pattern.matchAll(HOLE)].map((hole) => hole[1]))
  return [...new Set([...to.matchAll(HOLE)].map((hole) => hole[1] ?? ''))].filter((name) => !has.has(name))
}

/** A pattern that many of the ids follow: their common beginning, and a hole. */
export function suggestPattern(ids: readonly string[]): string {
  const counts = new Map<string, number>()
  for (const id of ids) {
    const stem = /^(.*?[^\d.])\d[\d.]*$/u.exec(id)?.[1]
    if (stem !== undefined) counts.set(stem, (counts.get(stem) ?? 0) + 1)
  }
  const [best] = [...counts].sort((one, other) => other[1] - one[1])
  return best && best[1] > 1 ? `${best[0]}{n}` : ''
}
