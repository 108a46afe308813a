import { type ReactNode, useEffect, useState } from 'react'
import { showKeys } from '@/commands/keys'
import { openDialog } from '@/parts/dialogs'
import { useGraph, useMay } from '@/state/graph'
import { t } from '@/text/text'
import { AddIcon, CopyIcon, DeleteIcon, ExpandIcon, HideIcon, OpenIcon, PinIcon, QueryIcon, RouteIcon, ShowIcon, UnpinIcon } from '@/ui/icons'
import { MenuAt, type MenuItem } from '@/ui/menu'
import { toast } from '@/ui/toasts'
import { listOf, quoted } from '@/parts/structure/structure'
import { around, type Around, FEW, namesIn, newTwins } from './expand'
import { useScreen } from './store'
import type { Actions } from './useActions'

const LEVELS = [1, 2, 3, 4, 5]

/** The query that finds some twins. */
export function queryOf(ids: readonly string[]): string {
  return ids.length === 1 ? `SELECT * FROM DIGITALTWINS T WHERE T.$dtId = ${quoted(ids[0] ?? '')}` : `SELECT * FROM DIGITALTWINS T WHERE T.$dtId IN ${listOf(ids)}`
}

/** The menu of a mark or a box. */
export function TwinMenu({ actions }: { actions: Actions }): ReactNode {
  const { menu, structure } = useScreen()
  const graph = useGraph()
  const may = useMay()
  const [found, setFound] = useState<Around>()
  const ids = menu?.ids
  useEffect(() => {
    setFound(undefined)
    if (!ids) return
    let gone = false
    void around({ graph: graph.name, at: graph.at, label: undefined }, ids).then((all) => { if (!gone) setFound(all) }, () => undefined)
    return () => { gone = true }
  }, [ids, graph.name, graph.at])
  if (!menu) return null
  const [id] = menu.ids
  if (id === undefined || !structure.nodes.has(id)) return null
  const items = [...expandItems(actions, menu.ids, found), ...viewItems(actions, menu.ids, id), ...otherItems(actions, menu.ids, id, may)]
  return <MenuAt at={menu} items={items} onClose={() => { useScreen.setState({ menu: undefined }) }} />
}

function expandItems(actions: Actions, ids: readonly string[], found: Around | undefined): readonly MenuItem[] {
  const names = found ? namesIn(found) : []
  const total = found ? newTwins(found.lines).length : 0
  const levels = (ends: 'in' | 'out' | 'both'): MenuItem => ({
    kind: 'menu', text: t(`graph.expand-${ends}`),
    items: LEVELS.map((level) => ({ text: t('graph.levels', { n: level }), run: () => { void actions.expandLevels(ids, ends, level) } })),
  })
  return [
    { text: t('graph.expand'), icon: ExpandIcon, keys: showKeys('e'), hint: found ? t('graph.more', { n: total }) : '', disabled: found !== undefined && total === 0, run: () => { void actions.expand(ids) }, testId: 'graph.menu.expand' },
    {
      kind: 'menu', text: t('graph.expand-by'), items: [
        ...(found && total > FEW ? [{ text: t('graph.expand-few', { n: FEW }), run: () => { void actions.expandBy(found, { most: FEW }) } }] : []),
        ...names.map(({ name, ends, count }): MenuItem => ({ text: `${ends === 'out' ? '→' : '←'} ${name}`, hint: String(count), run: () => { if (found) void actions.expandBy(found, { name, ends }) } })),
        ...(names.length > 0 ? [{ kind: 'line' as const }] : []), levels('out'), levels('in'), levels('both'),
      ],
    },
    { kind: 'line' },
  ]
}

function viewItems(actions: Actions, ids: readonly string[], id: string): readonly MenuItem[] {
  const { picture, state } = useScreen.getState()
  const box = picture?.layout.boxes.find((each) => each.id === id)
  const isPinned = ids.every((each) => state.pinned?.includes(each))
  return [
    { text: t('graph.hide'), icon: HideIcon, keys: showKeys('h'), run: () => { actions.hide(ids) }, testId: 'graph.menu.hide' },
    { text: t('graph.isolate'), run: () => { actions.hideOthers(ids) }, testId: 'graph.menu.isolate' },
    ...(box ? [
      { text: t('graph.hide-children'), run: () => { actions.hideChildren(id) }, testId: 'graph.menu.hide-children' },
      { text: box.collapsed ? t('graph.open-box') : t('graph.collapse'), keys: 'Alt', run: () => { actions.collapse(id) }, testId: 'graph.menu.collapse' },
    ] : []),
    ...((state.hidden ?? []).length > 0 ? [{ text: t('graph.show-all'), icon: ShowIcon, keys: showKeys('Shift h'), run: actions.showAll, testId: 'graph.menu.show-all' }] : []),
    { text: isPinned ? t('graph.unpin') : t('graph.pin'), icon: isPinned ? UnpinIcon : PinIcon, keys: showKeys('p'), run: () => { actions.pin(ids) }, testId: 'graph.menu.pin' },
    { kind: 'line' },
    { text: t('graph.select-same'), run: () => { actions.selectSame(id) }, testId: 'graph.menu.same' },
    { text: t('graph.select-connected'), run: () => { actions.selectConnected(id) }, testId: 'graph.menu.connected' },
    { text: t('graph.way-to'), icon: RouteIcon, run: () => { actions.wayFrom(id) }, testId: 'graph.menu.way' },
    { kind: 'line' },
  ]
}

function otherItems(actions: Actions, ids: readonly string[], id: string, may: (permission: string) => boolean): readonly MenuItem[] {
  const copy = (text: string) => (): void => { void navigator.clipboard.writeText(text).then(() => { toast({ text: t('ui.copied') }) }) }
  return [
    { text: t('graph.open-page'), icon: OpenIcon, run: () => { actions.open(id) }, testId: 'graph.menu.open' },
    { text: t('graph.copy-id'), icon: CopyIcon, run: copy(ids.join('\n')), testId: 'graph.menu.copy' },
    { text: t('graph.copy-query'), icon: QueryIcon, run: copy(queryOf(ids)), testId: 'graph.menu.copy-query' },
    ...(may('digitaltwins/write') ? [{ kind: 'line' as const }, { text: t('graph.create-inside'), icon: AddIcon, keys: showKeys('c'), run: () => { openDialog({ kind: 'create-twin', inside: id }) }, testId: 'graph.menu.create' }] : []),
    ...(may('digitaltwins/relationships/write') ? [{ text: t('graph.relate'), icon: AddIcon, keys: showKeys('r'), run: () => { openDialog({ kind: 'create-relationship', source: id, target: ids[1] }) }, testId: 'graph.menu.relate' }] : []),
    ...(may('digitaltwins/delete') ? [{ text: t('graph.delete'), icon: DeleteIcon, danger: true, keys: showKeys('Del'), run: () => { openDialog({ kind: 'delete-twins', ids }) }, testId: 'graph.menu.delete' }] : []),
  ]
}
