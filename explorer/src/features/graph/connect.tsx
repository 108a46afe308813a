/** A line drawn from a mark's handle becomes a relationship (design 5.1). */
import { type ReactNode, useCallback, useMemo, useRef, useState } from 'react'
import { asApiError } from '@/api/errors'
import { path, send } from '@/api/http'
import { runCommand } from '@/commands/registry'
import { type ResolvedContent, say } from '@/dtdl/model'
import type { Models } from '@/dtdl/models'
import type { GraphEvents, GraphView } from '@/graph/types'
import { edgeOf } from '@/parts/structure/structure'
import { useGraph } from '@/state/graph'
import { did, undo } from '@/state/undo'
import { t } from '@/text/text'
import { MenuAt, type MenuItem } from '@/ui/menu'
import { toast } from '@/ui/toasts'
import { put, screen, takeOut } from './store'

/** The relationships that a model may have to another. */
export function allowedNames(models: Models, source: string, target: string): readonly ResolvedContent[] {
  return (models.get(source)?.contents ?? []).filter((each) => each.kind === 'relationship' && (each.target === undefined || models.is(target, each.target)))
}

/** The shown twins that a twin may have a relationship to. */
export function allowedTargets(models: Models, from: string): ReadonlySet<string> {
  const { structure } = screen()
  const source = structure.nodes.get(from)?.model ?? ''
  const known = new Map<string, boolean>()
  return new Set([...structure.nodes.values()].flatMap((node) => {
    let allowed = known.get(node.model)
    if (allowed === undefined) known.set(node.model, allowed = allowedNames(models, source, node.model).length > 0)
    return allowed && node.id !== from ? [node.id] : []
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

/** Create a relationship; undoing deletes it again. */
export async function relate(graph: string, from: string, to: string, name: string, values: object = {}): Promise<void> {
  const id = `${from}-${name}-${to}`.length <= 128 && !screen().structure.edges.has(`${from}/${from}-${name}-${to}`) ? `${from}-${name}-${to}` : crypto.randomUUID()
  const at = path('/digitaltwins/{from}/relationships/{id}', { from, id })
  const create = async (): Promise<void> => {
    const { data } = await send(graph, { method: 'PUT', path: at, headers: { 'if-none-match': '*' }, body: { ...values, $targetId: to, $relationshipName: name } })
    const edge = edgeOf(data)
    if (edge) put([], [edge])
  }
  const remove = async (): Promise<void> => {
    await send(graph, { method: 'DELETE', path: at })
    takeOut(new Set(), new Set([`${from}/${id}`]))
  }
  await create()
  did({ name: t('graph.related', { name }), kind: 'write', undo: remove, redo: create })
  toast({ text: t('graph.related', { name }), act: { text: t('graph.undo'), run: () => { void undo('write') } } })
}

/** Which relationship it is to be: only names that both models allow. */
export function ConnectMenu({ connecting, models }: { connecting: Connecting; models: Models }): ReactNode {
  const graph = useGraph()
  const { dropped, close } = connecting
  if (!dropped) return null
  const { structure } = screen()
  const names = allowedNames(models, structure.nodes.get(dropped.from)?.model ?? '', structure.nodes.get(dropped.to)?.model ?? '')
  const items: readonly MenuItem[] = names.length === 0 ? [{ kind: 'group', text: t('graph.no-names') }] : [
    { kind: 'group', text: `${structure.nodes.get(dropped.from)?.label ?? dropped.from} → ${structure.nodes.get(dropped.to)?.label ?? dropped.to}` },
    ...names.map((each): MenuItem => ({
      text: each.name, hint: (each.properties ?? []).length > 0 ? t('graph.with-properties', { n: each.properties?.length ?? 0 }) : say(each.displayName, ''), testId: `graph.connect.${each.name}`,
      run: () => {
        void relate(graph.name, dropped.from, dropped.to, each.name).then(() => {
          // Its own properties are filled in where every relationship is edited.
          if ((each.properties ?? []).some((property) => property.writable)) runCommand('inspector.edit')
        }, (error: unknown) => { toast({ kind: 'error', text: asApiError(error).message }) })
      },
    })),
  ]
  return <MenuAt at={dropped} items={items} onClose={close} />
}
