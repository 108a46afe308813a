/** The elements of a drawing as the editor lists them, with what each stands for. Pure. */
import type { Binding } from './scene'

export type State = 'bound' | 'unbound' | 'missing' | 'absent'

export interface EditRow { readonly id: string; readonly name: string; readonly tag: string; readonly depth: number; readonly twin: string | undefined; readonly state: State }
export interface Known { readonly id: string; readonly name: string; readonly tag: string; readonly depth: number }

/** `missing`: the twin is not in the graph. `absent`: the element is not in the drawing. */
export function editRows(elements: Iterable<Known>, bindings: readonly Binding[], missing: ReadonlySet<string>): readonly EditRow[] {
  const byElement = new Map(bindings.map((each) => [each.element, each.twin]))
  const seen = new Set<string>()
  const rows = [...elements].map((each): EditRow => {
    seen.add(each.id)
    const twin = byElement.get(each.id)
    return { ...each, twin, state: twin === undefined ? 'unbound' : missing.has(twin) ? 'missing' : 'bound' }
  })
  const absent = bindings.filter((each) => !seen.has(each.element)).map((each): EditRow => ({ id: each.element, name: '', tag: '', depth: 0, twin: each.twin, state: 'absent' }))
  return [...absent, ...rows]
}

export function narrowed(rows: readonly EditRow[], text: string, state: State | 'all'): readonly EditRow[] {
  const wanted = text.trim().toLowerCase()
  return rows.filter((row) => (state === 'all' || row.state === state || (state === 'missing' && row.state === 'absent')) && `${row.id} ${row.name} ${row.twin ?? ''}`.toLowerCase().includes(wanted))
}
