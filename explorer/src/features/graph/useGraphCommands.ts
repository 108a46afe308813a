/** What the graph screen can do, by name and key. */
import { useMemo } from 'react'
import { type Command, useCommands } from '@/commands/registry'
import type { GraphView } from '@/graph/types'
import { undo, redo } from '@/state/undo'
import { t } from '@/text/text'
import { toast } from '@/ui/toasts'
import { copyLink } from './share'
import { screen, useScreen } from './store'
import { KINDS } from './Toolbar'
import type { Actions } from './useActions'
import type { View } from './view'

export function useGraphCommands(view: View, canvas: GraphView | undefined, actions: Actions): void {
  const commands = useMemo((): readonly Command[] => {
    const group = t('graph.group')
    const chosen = (): readonly string[] => view.selection.filter((id) => screen().structure.nodes.has(id))
    const some = (): boolean => chosen().length > 0
    return [
      ...KINDS.map((kind, index): Command => ({ id: `graph.layout.${kind}`, group, text: t('graph.layout-as', { name: t(`graph.layouts.${kind}`) }), keys: [String(index + 1)], run: () => { view.going.step({ lay: kind }) } })),
      { id: 'graph.lens', group, text: t('graph.lens'), keys: ['l'], words: 'colour heat', run: () => { useScreen.setState({ lensOpen: true }) } },
      { id: 'graph.lens.off', group, text: t('graph.lens-none'), when: () => view.lens !== undefined, run: () => { view.going.adjust({ lens: undefined }) } },
      { id: 'graph.find', group, text: t('graph.find'), keys: ['/', 'Ctrl f'], run: () => { useScreen.setState({ finding: true }) } },
      { id: 'graph.fit', group, text: t('graph.fit'), keys: ['f'], run: () => { const ids = chosen(); canvas?.fit(ids.length > 0 ? ids : undefined) } },
      { id: 'graph.fit.all', group, text: t('graph.fit-all'), keys: ['Shift f'], run: () => { canvas?.fit() } },
      { id: 'graph.expand', group, text: t('graph.expand'), keys: ['e'], when: some, run: () => actions.expand(chosen()) },
      { id: 'graph.hide', group, text: t('graph.hide'), keys: ['h'], when: some, run: () => { actions.hide(chosen()) } },
      { id: 'graph.isolate', group, text: t('graph.isolate'), when: some, run: () => { actions.hideOthers(chosen()) } },
      { id: 'graph.show-all', group, text: t('graph.show-all'), keys: ['Shift h'], run: actions.showAll },
      { id: 'graph.pin', group, text: t('graph.pin'), keys: ['p'], when: some, run: () => { actions.pin(chosen()) } },
      { id: 'graph.clear', group, text: t('graph.clear'), keys: ['Esc'], run: () => { clear(view) } },
      { id: 'graph.menu', group, text: t('graph.menu'), keys: ['.'], when: some, run: () => { openMenu(chosen(), canvas, actions) } },
      { id: 'graph.link', group, text: t('graph.copy-link'), keys: ['Shift l'], run: () => copyLink(canvas) },
      { id: 'graph.embed', group, text: t('graph.embed'), words: 'embed wall iframe', run: () => copyLink(canvas, true) },
      { id: 'graph.undo', group, text: t('graph.undo'), keys: ['Ctrl z'], run: async () => { const act = await undo(); if (act) toast({ text: t('graph.undone', { name: act.name }) }) } },
      { id: 'graph.redo', group, text: t('graph.redo'), keys: ['Ctrl Shift z'], run: async () => { await redo() } },
    ]
  }, [view, canvas, actions])
  useCommands(commands)
}

/** Escape goes up one level: the search, then the selection. */
function clear(view: View): void {
  const { wayFrom, finding, menu } = screen()
  if (menu || wayFrom !== undefined || finding) useScreen.setState({ menu: undefined, wayFrom: undefined, finding: false })
  else if (view.selection.length > 0) view.going.step({ sel: undefined })
}

function openMenu(ids: readonly string[], canvas: GraphView | undefined, actions: Actions): void {
  const at = canvas?.positionOf(ids.at(-1) ?? '')
  if (at) actions.openMenu(ids, at)
}
