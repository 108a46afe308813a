/** What can be done with marks and boxes: by the pointer, by keys, by the menu. */
import { useEffect, useMemo, useRef, useState } from 'react'
import { asApiError } from '@/api/errors'
import type { Models } from '@/dtdl/models'
import type { Camera, GraphEvents, GraphView, Pick, PointerInfo } from '@/graph/types'
import { type Asked, LARGEST_CAP } from '@/parts/structure/load'
import { useGraph } from '@/state/graph'
import { visitNow } from '@/state/leaving'
import { formatSelection, MOST_SELECTED } from '@/state/url'
import { t } from '@/text/text'
import { toast } from '@/ui/toasts'
import { around, type Around, type Ends, expand, expandLevels, FEW, newTwins } from './expand'
import { connectedTo, wayBetween } from './moves'
import { act, change, moved, screen, useScreen } from './store'
import type { View } from './view'

const CAMERA_MS = 200
const TWO_CLICKS_MS = 600
const NEAR = 8

/** What the pointer did last. */
interface Hand {
  timer: ReturnType<typeof setTimeout> | undefined
  last: { readonly pick: Pick; readonly at: number; readonly x: number; readonly y: number } | undefined
}

type Some<T, K extends keyof T> = { readonly [Each in K]: T[Each] }

export interface Actions {
  readonly events: Some<GraphEvents, 'onClick' | 'onDoubleClick' | 'onMenu' | 'onMove' | 'onLasso' | 'onCamera'>
  readonly asked: Asked
  /** The twins that are selected. */
  readonly chosen: () => readonly string[]
  readonly select: (ids: readonly string[], how?: 'only' | 'add') => void
  readonly open: (id: string) => void
  readonly openMenu: (ids: readonly string[], at: { readonly x: number; readonly y: number }) => void
  readonly expand: (ids: readonly string[]) => Promise<void>
  readonly expandBy: (found: Around, options?: Parameters<typeof expand>[2]) => Promise<void>
  readonly expandLevels: (ids: readonly string[], ends: Ends, levels: number) => Promise<void>
  /** More twins than one wants by accident: what to bring is asked. */
  readonly question: Around | undefined
  readonly ask: (found: Around | undefined) => void
  readonly hide: (ids: readonly string[]) => void
  readonly hideOthers: (ids: readonly string[]) => void
  readonly hideChildren: (id: string) => void
  readonly showAll: () => void
  readonly pin: (ids: readonly string[]) => void
  readonly collapse: (id: string) => void
  readonly selectSame: (id: string) => void
  readonly selectConnected: (id: string) => void
  readonly wayFrom: (id: string) => void
}

function told(what: Promise<void>): Promise<void> {
  return what.catch((error: unknown) => { toast({ kind: 'error', text: asApiError(error).message }) })
}

export function useActions(view: View, canvas: GraphView | undefined, models: Models): Actions {
  const graph = useGraph()
  const [question, ask] = useState<Around>()
  const hand = useRef<Hand>({ timer: undefined, last: undefined })
  useEffect(() => () => { clearTimeout(hand.current.timer) }, [])
  const { selection, going, label } = view
  return useMemo(() => {
    const asked: Asked = { graph: graph.name, at: graph.at, label }
    const base = viewActions()
    const select = (ids: readonly string[], how: 'only' | 'add' = 'only'): void => {
      useScreen.setState({ clicked: ids.at(-1) })
      const next = how === 'only' ? ids : ids.every((id) => selection.includes(id)) ? selection.filter((id) => !ids.includes(id)) : [...selection, ...ids.filter((id) => !selection.includes(id))]
      if (next.length > MOST_SELECTED) toast({ text: t('graph.selected-first', { n: MOST_SELECTED, count: next.length }) })
      going.step({ sel: formatSelection(next) })
    }
    const expandAll = async (ids: readonly string[]): Promise<void> => {
      const visit = visitNow()
      const found = await around(asked, ids)
      if (visit !== visitNow()) return
      if (newTwins(found.lines).length > FEW) ask(found)
      else await expand(asked, found)
    }
    const actions: Omit<Actions, 'events'> = {
      ...base, asked, select, chosen: () => selection.filter((id) => screen().structure.nodes.has(id)), question, ask,
      open: (id) => { going.go({ screen: 'twins', rest: [id] }) },
      openMenu: (ids, at) => { useScreen.setState({ menu: { ids, ...at } }) },
      expand: (ids) => told(expandAll(ids)),
      expandBy: (found, options) => { ask(undefined); return told(expand(asked, found, options)) },
      expandLevels: (ids, ends, levels) => told(expandLevels(asked, ids, ends, levels, LARGEST_CAP)),
      selectSame: (id) => { select([...sameModel(id)]) },
      selectConnected: (id) => { select([...connectedTo(screen().structure.edges.values(), id)]) },
    }
    return { ...actions, events: eventsOf(actions, canvas, models, going, hand) }
  }, [graph.name, graph.at, label, selection, going, question, canvas, models])
}

function sameModel(id: string): readonly string[] {
  const { structure } = screen()
  const model = structure.nodes.get(id)?.model
  return [...structure.nodes.values()].flatMap((node) => (node.model === model ? [node.id] : []))
}

type ViewActions = Some<Actions, 'hide' | 'hideOthers' | 'hideChildren' | 'showAll' | 'pin' | 'collapse' | 'wayFrom'>

/** Acts on what is seen; each can be undone. */
function viewActions(): ViewActions {
  const hide = (ids: readonly string[], name: string): void => { act(name, { hidden: [...new Set([...(screen().state.hidden ?? []), ...ids])] }) }
  return {
    hide: (ids) => { if (ids.length > 0) hide(ids, t('graph.hidden', { n: ids.length })) },
    hideOthers: (ids) => {
      const { structure, picture } = screen()
      const keep = new Set(ids)
      // The boxes around what stays are part of it, and what lies in it.
      picture?.nodes.forEach((node, index) => {
        const line: string[] = []
        for (let up = index; up >= 0; up = picture.layout.parent[up] ?? -1) line.push(picture.nodes[up]?.id ?? '')
        if (ids.includes(node.id)) for (const each of line) keep.add(each)
        else if (line.some((each) => ids.includes(each))) keep.add(node.id)
      })
      hide([...structure.nodes.keys()].filter((id) => !keep.has(id)), t('graph.isolated'))
    },
    hideChildren: (id) => {
      const { picture } = screen()
      const own = picture?.nodes.findIndex((node) => node.id === id) ?? -1
      const inside = picture?.nodes.flatMap((node, index) => (picture.layout.parent[index] === own && own >= 0 ? [node.id] : [])) ?? []
      if (inside.length > 0) hide(inside, t('graph.hidden', { n: inside.length }))
    },
    showAll: () => { if ((screen().state.hidden ?? []).length > 0) act(t('graph.all-shown'), { hidden: [] }) },
    pin: (ids) => {
      const before = screen().state.pinned ?? []
      const all = ids.every((id) => before.includes(id))
      act(all ? t('graph.unpinned') : t('graph.pinned'), { pinned: all ? before.filter((id) => !ids.includes(id)) : [...new Set([...before, ...ids])] })
    },
    collapse: (id) => {
      const { state, picture } = screen()
      const box = picture?.layout.boxes.find((each) => each.id === id)
      if (!box) return
      const [collapsed, opened] = [state.collapsed ?? [], state.opened ?? []]
      if (box.collapsed) act(t('graph.opened'), { collapsed: collapsed.filter((each) => each !== id), opened: [...new Set([...opened, id])] })
      else act(t('graph.collapsed'), { collapsed: [...collapsed, id], opened: opened.filter((each) => each !== id) })
    },
    wayFrom: (id) => {
      useScreen.setState({ wayFrom: id })
      toast({ text: t('graph.way-click') })
    },
  }
}

function eventsOf(actions: Omit<Actions, 'events'>, canvas: GraphView | undefined, models: Models, going: View['going'], hand: { readonly current: Hand }): Actions['events'] {
  const openModel = (id: string): void => { going.step({ q: `SELECT * FROM DIGITALTWINS T WHERE IS_OF_MODEL(T, '${id}')`, sel: undefined }) }
  // The first click of two may lay a line below the pointer; the second one means the mark all the same.
  const meant = (info: PointerInfo): Pick => {
    const { last } = hand.current
    const isSame = last !== undefined && performance.now() - last.at < TWO_CLICKS_MS && Math.hypot(info.x - last.x, info.y - last.y) < NEAR
    return isSame && last && info.pick.kind === 'edge' ? last.pick : info.pick
  }
  return {
    onClick: (info) => {
      const { shift, alt } = info
      const pick = meant(info)
      const { picture, scope, wayFrom } = screen()
      const isAgain = pick === hand.current.last?.pick
      hand.current.last = { pick, at: performance.now(), x: info.x, y: info.y }
      if (isAgain) return
      if (pick.kind === 'ground') { if (!shift) actions.select([]); return }
      if (pick.kind === 'lane') {
        const lane = picture?.layout.lanes[pick.index]
        if (lane) actions.select([...new Set(lane.edges.flatMap((index) => { const edge = picture?.edges[index]; return edge ? [edge.source, edge.target] : [] }))])
        return
      }
      if (pick.kind === 'edge') { actions.select([pick.key], shift ? 'add' : 'only'); return }
      if (scope === 'schema') { if (models.get(pick.id)) openModel(pick.id); return }
      if (wayFrom !== undefined) { takeWay(actions, wayFrom, pick.id); return }
      if (alt && pick.kind === 'box') { actions.collapse(pick.id); return }
      actions.select([pick.id], shift ? 'add' : 'only')
    },
    onDoubleClick: (info) => {
      const pick = meant(info)
      if (pick.kind !== 'node' && pick.kind !== 'box') return
      const box = screen().picture?.layout.boxes.find((each) => each.id === pick.id)
      if (box?.collapsed) actions.collapse(pick.id)
      else if (pick.kind === 'box' || box) canvas?.zoomTo(pick.id)
      else void actions.expand([pick.id])
    },
    onMenu: ({ pick, x, y }) => {
      const chosen = actions.chosen()
      if (pick.kind === 'edge') useScreen.setState({ menu: { ids: [], edge: pick.key, x, y } })
      else if (pick.kind === 'node' || pick.kind === 'box') actions.openMenu(chosen.length > 1 && chosen.includes(pick.id) ? chosen : [pick.id], { x, y })
      else if (pick.kind === 'ground') actions.openMenu([], { x, y })
    },
    onMove: (id, x, y) => {
      const { picture } = screen()
      if (picture) moved(picture.layout.kind, id, x, y)
    },
    onLasso: (ids) => { actions.select(ids, 'add') },
    onCamera: (camera: Camera) => {
      clearTimeout(hand.current.timer)
      hand.current.timer = setTimeout(() => { change({ camera }) }, CAMERA_MS)
    },
  }
}

function takeWay(actions: Omit<Actions, 'events'>, from: string, to: string): void {
  useScreen.setState({ wayFrom: undefined })
  const way = wayBetween(screen().structure.edges.values(), from, to)
  if (!way) { toast({ text: t('graph.no-way') }); return }
  actions.select([...way.twins, ...way.lines])
  toast({ text: t('graph.way', { n: way.lines.length }) })
}
