/** How the picture looks just now: what is selected, hidden, bright, and what values it shows. */
import { useMemo } from 'react'
import type { Models } from '@/dtdl/models'
import type { Looks, ShownValue } from '@/graph/types'
import { useDraftedTwins } from '@/parts/drafts'
import { useGraph } from '@/state/graph'
import { useShown } from '@/state/shown'
import { useScreen } from './store'
import { useMainValues, type Lens } from './useLens'
import { brightOf, hiddenNames, hiddenTwins, type View, withGhosts } from './view'

export interface ShownLooks { readonly looks: Looks; readonly many: ReadonlySet<string>; readonly off: ReadonlySet<string> }

export function useLooks(view: View, models: Models, lens: Lens | undefined): ShownLooks {
  const { name, at } = useGraph()
  const { structure, picture, state, hits, pointed, gone } = useScreen()
  const highlighted = useShown((shown) => shown.highlighted)
  const marked = useShown((shown) => shown.differences)
  const layout = picture?.layout
  const { show, hide, pin, selection } = view
  const byHand = state.hidden
  const names = useMemo(() => hiddenNames(structure, layout, { show, hide }), [structure, layout, show, hide])
  const { differences, away } = useMemo(() => withGhosts(marked, gone), [marked, gone])
  const hidden = useMemo(() => hiddenTwins(structure, layout, models, { show, hide }, byHand, away), [structure, layout, models, show, hide, byHand, away])
  const selected = useMemo(() => new Set(selection), [selection])
  const bright = useMemo(() => pointed ?? brightOf(structure, layout?.parent, selection.filter((id) => !hidden.has(id))), [pointed, structure, layout, selection, hidden])
  const values = useMainValues(models, structure)
  const drafted = useDraftedTwins(name)
  const draftKey = [...drafted].sort().join('\n')
  const drafts = useMemo(() => new Set(draftKey === '' ? [] : draftKey.split('\n')), [draftKey])
  const pinned = useMemo(() => new Set([...(state.pinned ?? []), ...pin]), [state.pinned, pin])
  const rings = useMemo(() => new Set([...hits, ...highlighted]), [hits, highlighted])
  const lensValues: ReadonlyMap<string, ShownValue> | undefined = lens?.values
  const looks = useMemo((): Looks => ({
    selected, hidden, hiddenNames: names.off, hits: rings, pinned, drafts, bright, differences, lens: lensValues, values, past: at !== undefined,
  }), [selected, hidden, names, rings, pinned, drafts, bright, lensValues, values, differences, at])
  return { looks, ...names }
}
