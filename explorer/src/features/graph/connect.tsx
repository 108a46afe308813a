/** A line drawn from a mark's handle becomes a relationship (design 5.1). */
import { type ReactNode, useCallback, useMemo, useRef, useState } from 'react'
import { type ResolvedContent, say } from '@/dtdl/model'
import type { Models } from '@/dtdl/models'
import type { GraphEvents, GraphView } from '@/graph/types'
import { allowed } from '@/parts/create-twin/fitting'
import { openDialog } from '@/parts/dialogs'
import { createRelationship } from '@/parts/relationships'
import { attempt } from '@/parts/undoable'
import { newUuid } from '@/parts/values/show'
import { useGraph } from '@/state/graph'
import { t } from '@/text/text'
import { MenuAt, type MenuItem } from '@/ui/menu'
import { screen } from './store'

const LONGEST_ID = 128

/** The shown twins that a twin may have a relationship to. */
export function allowedTargets(models: Models, from: string): ReadonlySet<string> {
  const { structure } = screen()
  const source = structure.nodes.get(from)?.model ?? ''
  const known = new Map<string, boolean>()
  return new Set([...structure.nodes.values()].flatMap((node) => {
    let fits = known.get(node.model)
    if (fits === undefined) known.set(node.model, fits = allowed(models, source, node.model).length > 0)
    return fits && node.id !== from ? [node.id] : []
  }))
}

export interface Dropped { readonly from: string; readonly to: string; readonly x: number; readonly y: number }

export interface Connecting {
  readonly onConnect: GraphEvents['onConnect']
  readonly dropped: Dropped | undefined
  readonly close: () => void
}

export function useConnecting(canvas: GraphView | undefined, models: Models): Connecting {
  const [dropped, setDropped] = useState<Dropped>()
  const drawing = useRef<string>(undefined)
  const onConnect = useCallback<GraphEvents['onConnect']>((from, to, state, at) => {
    if (state === 'over' && drawing.current !== from) {
      drawing.current = from
      canvas?.setTargets(allowedTargets(models, from))
    }
    if (state === 'over') return
    drawing.current = undefined
    canvas?.setTargets(undefined)
    if (state === 'drop' && to !== undefined && to !== from) setDropped({ from, to, ...at })
  }, [canvas, models])
  return useMemo(() => ({ onConnect, dropped, close: () => { setDropped(undefined) } }), [onConnect, dropped])
}

/** An id that says what it relates, if it is free. */
function idOf(from: string, name: string, to: string): string {
  const id = `${from}-${name}-${to}`
  return id.length <= LONGEST_ID && !screen().structure.edges.has(`${from}/${id}`) ? id : newUuid()
}

/** A relationship with properties of its own is filled in where all are; else it is made at once. */
function relate(graph: string, { from, to }: Dropped, content: ResolvedContent): void {
  if ((content.properties ?? []).length > 0) openDialog({ kind: 'create-relationship', source: from, target: to, name: content.name })
  else void attempt(() => createRelationship(graph, { $sourceId: from, $relationshipId: idOf(from, content.name, to), $targetId: to, $relationshipName: content.name }))
}

/** Which relationship it is to be: only names that both models allow. */
export function ConnectMenu({ connecting, models }: { connecting: Connecting; models: Models }): ReactNode {
  const graph = useGraph()
  const { dropped, close } = connecting
  if (!dropped) return null
  const { structure } = screen()
  const names = allowed(models, structure.nodes.get(dropped.from)?.model ?? '', structure.nodes.get(dropped.to)?.model ?? '')
  const items: readonly MenuItem[] = names.length === 0 ? [{ kind: 'group', text: t('graph.no-names') }] : [
    { kind: 'group', text: `${structure.nodes.get(dropped.from)?.label ?? dropped.from} → ${structure.nodes.get(dropped.to)?.label ?? dropped.to}` },
    ...names.map((each): MenuItem => ({
      text: each.name, hint: (each.properties ?? []).length > 0 ? t('graph.with-properties', { n: each.properties?.length ?? 0 }) : say(each.displayName, ''), testId: `graph.connect.${each.name}`,
      run: () => { relate(graph.name, dropped, each) },
    })),
  ]
  return <MenuAt at={dropped} items={items} onClose={close} />
}
