import { type ReactNode, useEffect, useState } from 'react'
import { showKeys } from '@/commands/keys'
import { runCommand } from '@/commands/registry'
import { openDialog } from '@/parts/dialogs'
import { deleteRelationship } from '@/parts/relationships'
import { attempt } from '@/parts/undoable'
import { useGraph, useMay } from '@/state/graph'
import { t } from '@/text/text'
import { copyText } from '@/ui/copy'
import { AddIcon, CopyIcon, DeleteIcon, ExpandIcon, FitIcon, HideIcon, OpenIcon, PinIcon, QueryIcon, RouteIcon, SearchIcon, ShowIcon, UnpinIcon } from '@/ui/icons'
import { MenuAt, type MenuItem } from '@/ui/menu'
import { listOf, quoted } from '@/parts/structure/structure'
import { around, type Around, FEW, namesIn, newTwins } from './expand'
import { useScreen } from './store'
import type { Actions } from './useActions'
import type { View } from './view'

const LEVELS = [1, 2, 3, 4, 5]

/** The query that finds some twins. */
export function queryOf(ids: readonly string[]): string {
  return ids.length === 1 ? `SELECT * FROM DIGITALTWINS T WHERE T.$dtId = ${quoted(ids[0] ?? '')}` : `SELECT * FROM DIGITALTWINS T WHERE T.$dtId IN ${listOf(ids)}`
}

/** The menu of a mark or a box. */
export function TwinMenu({ actions, view }: { actions: Actions; view: View }): ReactNode {
  const { menu, structure, gone } = useScreen()
  const graph = useGraph()
  const may = useMay()
  const [found, setFound] = useState<Around>()
  const ids = menu?.ids
  useEffect(() => {
    setFound(undefined)
    if (!ids || ids.length === 0) return
    let gone = false
    void around({ graph: graph.name, at: graph.at, label: undefined }, ids).then((all) => { if (!gone) setFound(all) }, () => undefined)
    return () => { gone = true }
  }, [ids, graph.name, graph.at])
  if (!menu) return null
  const [id] = menu.ids
  const close = (): void => { useScreen.setState({ menu: undefined }) }
  if (menu.edge !== undefined) return <MenuAt at={menu} items={lineItems(actions, view, menu.edge, graph.name, may)} onClose={close} />
  if (id === undefined) return <MenuAt at={menu} items={groundItems(may)} onClose={close} />
  if (!structure.nodes.has(id)) return null
  // What is there no more can be looked at, and nothing else.
  const items = menu.ids.some((each) => gone.has(each)) ? [...viewItems(actions, menu.ids, id), ...otherItems(actions, menu.ids, id, () => false)] : [...expandItems(actions, menu.ids, found), ...viewItems(actions, menu.ids, id), ...otherItems(actions, menu.ids, id, may)]
  return <MenuAt at={menu} items={items} onClose={close} />
}

/** The menu of a relationship. */
function lineItems(actions: Actions, view: View, key: string, graph: string, may: (permission: string) => boolean): readonly MenuItem[] {
  const edge = useScreen.getState().structure.edges.get(key)
  if (!edge) return []
  return [
    { kind: 'group', text: edge.name },
    { text: t('graph.open-line'), icon: OpenIcon, run: () => { actions.select([key]) }, testId: 'graph.menu.line' },
    { text: t('graph.select-ends'), run: () => { actions.select([edge.source, edge.target]) } },
    { text: t('graph.hide-name', { name: edge.name }), icon: HideIcon, run: () => { view.going.adjust({ hide: [...view.hide, edge.name].join(',') }) }, testId: 'graph.menu.hide-name' },
    ...(may('digitaltwins/relationships/delete') ? [{ kind: 'line' as const }, { text: t('graph.delete-line'), icon: DeleteIcon, danger: true, run: () => { void attempt(() => deleteRelationship(graph, edge.source, edge.id)) }, testId: 'graph.menu.delete-line' }] : []),
  ]
}

/** The menu of the ground. */
function groundItems(may: (permission: string) => boolean): readonly MenuItem[] {
  const { state } = useScreen.getState()
  const command = (id: string) => (): void => { runCommand(id) }
  return [
    { text: t('graph.fit-all'), icon: FitIcon, keys: showKeys('Shift f'), run: command('graph.fit.all') },
    { text: t('graph.find'), icon: SearchIcon, keys: showKeys('/'), run: command('graph.find') },
    ...((state.hidden ?? []).length > 0 ? [{ text: t('graph.show-all'), icon: ShowIcon, keys: showKeys('Shift h'), run: command('graph.show-all') }] : []),
    { text: t('graph.copy-link'), icon: CopyIcon, keys: showKeys('Shift l'), run: command('graph.link') },
    ...(may('digitaltwins/write') ? [{ kind: 'line' as const }, { text: t('graph.create'), icon: AddIcon, keys: showKeys('c'), run: () => { openDialog({ kind: 'create-twin' }) }, testId: 'graph.menu.create-here' }] : []),
  ]
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
  const copy = (text: string) => (): void => { void copyText(text) }
  return [
    { text: t('graph.open-page'), icon: OpenIcon, run: () => { actions.open(id) }, testId: 'graph.menu.open' },
    { text: t('graph.copy-id'), icon: CopyIcon, run: copy(ids.join('\n')), testId: 'graph.menu.copy' },
    { text: t('graph.copy-query'), icon: QueryIcon, run: copy(queryOf(ids)), testId: 'graph.menu.copy-query' },
    ...(may('digitaltwins/write') ? [{ kind: 'line' as const }, { text: t('graph.create-inside'), icon: AddIcon, keys: showKeys('c'), run: () => { openDialog({ kind: 'create-twin', inside: id }) }, testId: 'graph.menu.create' }] : []),
    ...(may('digitaltwins/relationships/write') ? [{ text: t('graph.relate'), icon: AddIcon, keys: showKeys('r'), run: () => { openDialog({ kind: 'create-relationship', source: id, target: ids[1] }) }, testId: 'graph.menu.relate' }] : []),
    ...(may('digitaltwins/delete') ? [{ text: t('graph.delete'), icon: DeleteIcon, danger: true, keys: showKeys('Del'), run: () => { openDialog({ kind: 'delete-twins', ids }) }, testId: 'graph.menu.delete' }] : []),
  ]
}
