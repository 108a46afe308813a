import './parts.css'
import { lazy, type ReactNode, Suspense, useEffect, useMemo } from 'react'
import { isObject, parseJson } from '@/api/json'
import { type Command, useCommands } from '@/commands/registry'
import { useGraph, useMay } from '@/state/graph'
import { selecting, selectionOf, useGoing } from '@/state/url'
import { t } from '@/text/text'
import { closeDialog, openDialog, useWriteDialog, type WriteDialog } from './dialogs'
import { textIn, waitingForm } from './form/kept'
import { deleteRelationship } from './relationships'
import { parseSubject } from './subject'
import { attempt } from './undoable'

const ChangeModel = lazy(() => import('./ChangeModel'))
const CreateRelationship = lazy(() => import('./create-relationship/CreateRelationship'))
const CreateTwin = lazy(() => import('./create-twin/CreateTwin'))
const DeleteTwins = lazy(() => import('./DeleteTwins'))

function useWriteCommands(): void {
  const { place, step } = useGoing()
  const may = useMay()
  const commands = useMemo((): Command[] => {
    const named = selectionOf(place.parameters)
    const subjects = (named.length > 0 || place.screen !== 'twins' ? named : place.rest.slice(0, 1)).map(parseSubject)
    const ids = subjects.flatMap((each) => (each.kind === 'twin' ? [each.id] : []))
    const [first] = subjects
    const relationship = subjects.length === 1 && first?.kind === 'relationship' ? first : undefined
    const group = t('inspector.group')
    return [
      { id: 'twin.create', group, text: t('inspector.create-twin'), keys: ['c'], when: () => may('digitaltwins/write'), run: () => { openDialog({ kind: 'create-twin', inside: ids.length === 1 ? ids[0] : undefined }) } },
      { id: 'relationship.create', group, text: t('inspector.add-relationship'), keys: ['r'], when: () => may('digitaltwins/relationships/write'), run: () => { openDialog({ kind: 'create-relationship', source: ids[0], target: ids[1] }) } },
      { id: 'twin.delete', group, text: t('inspector.delete-twin'), keys: ['Del'], when: () => ids.length > 0 && may('digitaltwins/delete'), run: () => { openDialog({ kind: 'delete-twins', ids }) } },
      { id: 'twin.model', group, text: t('inspector.change-model'), when: () => ids.length === 1 && may('digitaltwins/write'), run: () => { if (ids[0] !== undefined) openDialog({ kind: 'change-model', id: ids[0] }) } },
      { id: 'relationship.delete', group, text: t('inspector.delete-relationship'), keys: ['Del'], when: () => relationship !== undefined && may('digitaltwins/relationships/delete'), run: async () => {
        if (relationship && await attempt(async () => { await deleteRelationship(place.graph, relationship.source, relationship.id) })) step(selecting([relationship.source]))
      } },
    ]
  }, [place, step, may])
  useCommands(commands)
}

/** What was being made when the page was left is open again. */
function useWaiting(): void {
  const { name } = useGraph()
  const may = useMay()
  const mayMake = may('digitaltwins/write')
  const mayRelate = may('digitaltwins/relationships/write')
  useEffect(() => {
    if (useWriteDialog.getState().dialog) return
    for (const kind of ['create-twin', 'create-relationship'] as const) {
      const waiting = (kind === 'create-twin' ? mayMake : mayRelate) ? waitingForm(name, kind) : undefined
      const given = waiting === undefined ? undefined : parseJson(waiting)
      if (!isObject(given)) continue
      openDialog(kind === 'create-twin' ? { kind, model: textIn(given, 'model'), inside: textIn(given, 'inside') } : { kind, source: textIn(given, 'source'), target: textIn(given, 'target'), name: textIn(given, 'name') })
      return
    }
  }, [name, mayMake, mayRelate])
}

/** The dialogs that make and take away, wherever they were opened from. */
export default function WriteDialogs(): ReactNode {
  useWriteCommands()
  useWaiting()
  const dialog = useWriteDialog((state) => state.dialog)
  return dialog && <Suspense><Opened dialog={dialog} /></Suspense>
}

function Opened({ dialog }: { dialog: WriteDialog }): ReactNode {
  if (dialog.kind === 'create-twin') return <CreateTwin model={dialog.model} inside={dialog.inside} onClose={closeDialog} />
  if (dialog.kind === 'create-relationship') return <CreateRelationship source={dialog.source} target={dialog.target} name={dialog.name} onClose={closeDialog} />
  if (dialog.kind === 'delete-twins') return <DeleteTwins ids={dialog.ids} onClose={closeDialog} />
  return <ChangeModel id={dialog.id} onClose={closeDialog} />
}
