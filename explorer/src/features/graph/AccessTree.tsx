import { type KeyboardEvent, type ReactNode, useMemo, useRef } from 'react'
import { type Command, runCommand, useCommands } from '@/commands/registry'
import type { Models } from '@/dtdl/models'
import type { GraphView, Looks, Picture } from '@/graph/types'
import { t } from '@/text/text'
import { type Direction, nearest, neighbours } from './moves'
import { useScreen } from './store'
import type { Actions } from './useActions'
import type { View } from './view'

const ARROWS: Readonly<Record<string, Direction>> = { ArrowUp: 'up', ArrowDown: 'down', ArrowLeft: 'left', ArrowRight: 'right' }
const OPEN_DEPTH = 2
const MOST_CHILDREN = 400
const EDGE = 24

interface Row { readonly id: string; readonly name: string; readonly depth: number; readonly open: boolean | undefined }

/** The rows that are open: the first levels, and the line of boxes around the selection. */
export function rowsOf(picture: Picture, models: Models, looks: Pick<Looks, 'values' | 'hidden' | 'lens' | 'differences'>, chosen: string | undefined): readonly Row[] {
  const { nodes, layout } = picture
  const children = new Map<number, number[]>()
  nodes.forEach((node, index) => {
    if (looks.hidden.has(node.id)) return
    const up = layout.parent[index] ?? -1
    const list = children.get(up)
    if (list) list.push(index)
    else children.set(up, [index])
  })
  const place = (index: number): number => (layout.y[index] ?? 0) * 1e4 + (layout.x[index] ?? 0)
  // Boxes come first, then as they are seen: from the top, then from the left.
  const isLeaf = (index: number): number => Number(!children.has(index))
  for (const list of children.values()) list.sort((one, other) => isLeaf(one) - isLeaf(other) || place(one) - place(other))
  const counts = new Map<string, number>()
  for (const edge of picture.edges) for (const end of [edge.source, edge.target]) counts.set(end, (counts.get(end) ?? 0) + 1)
  const line = new Set<number>()
  for (let at = nodes.findIndex((node) => node.id === chosen); at >= 0; at = layout.parent[at] ?? -1) line.add(at)
  const rows: Row[] = []
  const walk = (index: number, depth: number): void => {
    const node = nodes[index]
    if (!node) return
    const inner = children.get(index) ?? []
    const isOpen = inner.length > 0 ? depth < OPEN_DEPTH || line.has(index) : undefined
    const difference = looks.differences.get(node.id)
    const value = looks.lens?.get(node.id)?.text ?? looks.values.get(node.id)?.text
    rows.push({ id: node.id, depth, open: isOpen, name: [node.label, difference && t(`differences.${difference}`), models.name(node.model), value, t('graph.relationships', { n: counts.get(node.id) ?? 0 })].filter((each) => each !== undefined).join(', ') })
    if (isOpen) for (const each of inner.slice(0, MOST_CHILDREN)) walk(each, depth + 1)
  }
  for (const root of (children.get(-1) ?? []).slice(0, MOST_CHILDREN)) walk(root, 0)
  return rows
}

/** Whether a mark is in view, not at its edge: whoever walks from mark to mark keeps the picture where it is. */
function isSeen(canvas: GraphView | undefined, id: string, place: HTMLElement | null): boolean {
  const at = canvas?.positionOf(id)
  const rect = place?.getBoundingClientRect()
  return at !== undefined && rect !== undefined && at.x > rect.left + EDGE && at.x < rect.right - EDGE && at.y > rect.top + EDGE && at.y < rect.bottom - EDGE
}

/** Shift and an arrow walk around the twin at which one began, along its lines; Tab leaves, however many there are. */
function useWalk(picture: Picture | undefined, chosen: string | undefined, choose: (id: string) => void): void {
  const walk = useRef<{ readonly from: string; readonly to: string }>(undefined)
  const live = useRef({ picture, chosen, choose })
  live.current = { picture, chosen, choose }
  const commands = useMemo((): readonly Command[] => {
    const go = (step: 1 | -1) => (): void => {
      const { picture: shown, chosen: here, choose: take } = live.current
      if (!shown || here === undefined) return
      const from = walk.current?.to === here ? walk.current.from : here
      const around = neighbours(shown, from)
      const at = from === here ? (step > 0 ? -1 : 0) : around.indexOf(here)
      const to = around[(at + step + around.length) % around.length]
      if (to === undefined) return
      walk.current = { from, to }
      take(to)
    }
    const when = (): boolean => live.current.chosen !== undefined
    const group = t('graph.group')
    return [
      { id: 'graph.neighbour.next', group, text: t('graph.neighbour-next'), keys: ['Shift ArrowRight'], when, run: go(1) },
      { id: 'graph.neighbour.previous', group, text: t('graph.neighbour-previous'), keys: ['Shift ArrowLeft'], when, run: go(-1) },
    ]
  }, [])
  useCommands(commands)
}

/** What the picture shows, for those who do not see it, and for the keyboard: arrows move in it. */
export function AccessTree({ view, models, looks, actions, canvas }: { view: View; models: Models; looks: Looks; actions: Actions; canvas: GraphView | undefined }): ReactNode {
  const picture = useScreen((state) => state.picture)
  const chosen = view.selection.findLast((id) => picture?.nodes.some((node) => node.id === id))
  const rows = useMemo(() => (picture ? rowsOf(picture, models, looks, chosen) : []), [picture, models, looks, chosen])
  const place = useRef<HTMLDivElement>(null)
  const choose = (id: string | undefined): void => {
    if (id === undefined) return
    actions.select([id])
    if (!isSeen(canvas, id, place.current)) canvas?.reveal(id)
  }
  useWalk(picture, chosen, choose)
  if (!picture) return null
  const onKey = (event: KeyboardEvent): void => {
    const direction = ARROWS[event.key]
    if (direction && !event.ctrlKey && !event.altKey && !event.shiftKey) {
      event.preventDefault()
      choose(nearest(picture, looks.hidden, chosen, direction))
    } else if (event.key === 'Enter' && chosen !== undefined) { event.preventDefault(); actions.open(chosen) } else if (event.key === '.') { event.preventDefault(); runCommand('graph.menu') }
  }
  return (
    <div ref={place} className="graph-tree" role="tree" tabIndex={0} aria-label={t('graph.tree')} aria-activedescendant={chosen === undefined ? undefined : `mark-${chosen}`} onKeyDown={onKey} data-testid="graph.tree">
      {rows.map((row) => (
        <div key={row.id} id={`mark-${row.id}`} role="treeitem" aria-level={row.depth + 1} aria-selected={view.selection.includes(row.id)} {...(row.open !== undefined && { 'aria-expanded': row.open })}
          data-testid={`graph.tree.${row.id}`} onClick={() => { choose(row.id) }}>{row.name}</div>
      ))}
    </div>
  )
}
