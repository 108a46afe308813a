import { useQueryClient } from '@tanstack/react-query'
import { type ReactNode, useMemo, useState } from 'react'
import { type ApiError, asApiError } from '@/api/errors'
import { type Command, useCommands } from '@/commands/registry'
import { showKeys } from '@/commands/keys'
import { TwinChip } from '@/parts/TwinChip'
import { useTwins } from '@/parts/twins'
import { useGraph, useMay } from '@/state/graph'
import { useGoing } from '@/state/url'
import { t } from '@/text/text'
import { Button, IconButton } from '@/ui/button'
import { Confirm, Dialog } from '@/ui/dialog'
import { DeleteIcon, EditIcon, LeftIcon, SaveIcon, UndoIcon } from '@/ui/icons'
import { Failed } from '@/ui/states'
import { toast } from '@/ui/toasts'
import { deleteScene, fetchScene, saveScene, sceneKey } from './data'
import type { Drawing } from './drawing'
import type { SceneProps } from './SceneView'
import type { Lively } from './useLively'

interface HeadProps extends SceneProps { readonly lively: Lively; readonly drawing: Drawing | undefined }

interface Saving { readonly save: () => void; readonly busy: boolean; readonly problem: ApiError | undefined; readonly conflict: boolean; readonly close: () => void; readonly takeTheirs: () => void; readonly takeMine: () => void }

function useSaving({ name, draft }: SceneProps): Saving {
  const graph = useGraph()
  const client = useQueryClient()
  const [busy, setBusy] = useState(false)
  const [problem, setProblem] = useState<ApiError>()
  const [conflict, setConflict] = useState(false)
  const write = async (etag: string): Promise<void> => {
    const mine = draft.draft
    if (!mine || busy) return
    setBusy(true)
    setProblem(undefined)
    try {
      const now = await saveScene(graph.name, name, mine.scene, etag)
      client.setQueryData(sceneKey(graph.name, name), { scene: mine.scene, etag: now })
      void client.invalidateQueries({ queryKey: [graph.name, 'scenes'] })
      draft.saved(mine.scene, now)
      setConflict(false)
      toast({ text: t('scenes.saved', { title: mine.scene.title }) })
    } catch (thrown) {
      const error = asApiError(thrown)
      if (error.status === 412) setConflict(true)
      else setProblem(error)
    } finally {
      setBusy(false)
    }
  }
  const theirs = async (): Promise<string | undefined> => {
    try {
      const found = await fetchScene(graph.name, name)
      client.setQueryData(sceneKey(graph.name, name), found)
      return found.etag
    } catch (thrown) {
      setConflict(false)
      setProblem(asApiError(thrown))
      return undefined
    }
  }
  return {
    busy, problem, conflict,
    save: () => { if (draft.draft) void write(draft.draft.etag) },
    close: () => { setConflict(false); setProblem(undefined) },
    takeTheirs: () => { void theirs().then((etag) => { if (etag !== undefined) { draft.forget(); setConflict(false) } }) },
    takeMine: () => { void theirs().then((etag) => (etag === undefined ? undefined : write(etag))) },
  }
}

/** The scene's title and what can be done with it. */
export function Head(props: HeadProps): ReactNode {
  const { name, scene, draft, isEdited, lively } = props
  const going = useGoing()
  const may = useMay()
  const saving = useSaving(props)
  const [deleting, setDeleting] = useState(false)
  useTwins(scene.twin === undefined ? [] : [scene.twin])
  const mayWrite = may('kastor/explorer/write')
  const commands = useMemo((): Command[] => [
    { id: 'scenes.save', group: t('screens.scenes'), text: t('scenes.save'), keys: ['Ctrl s'], when: () => isEdited && mayWrite && draft.draft !== undefined, run: saving.save },
    { id: 'scenes.edit', group: t('screens.scenes'), text: t('scenes.edit'), keys: ['e'], when: () => !isEdited && mayWrite, run: () => { going.step({ edit: '1' }) } },
    { id: 'scenes.undo', group: t('screens.scenes'), text: t('scenes.undo'), keys: ['Ctrl z'], when: () => isEdited && draft.undo !== undefined, run: () => { draft.undo?.() } },
  ], [isEdited, mayWrite, draft, saving, going])
  useCommands(commands)
  const { missing } = lively
  return (
    <>
      <header className="screen-head scenes-head">
        <IconButton icon={LeftIcon} label={t('scenes.to-list')} onClick={() => { going.go({ screen: 'scenes', rest: [] }) }} data-testid="scenes.back" />
        <h1 className="cut scenes-title" title={name}>{scene.title}</h1>
        {scene.twin !== undefined && <TwinChip id={scene.twin} testId="scenes.twin" />}
        {missing !== undefined && missing.size > 0 && <span className="tag warn" data-testid="scenes.missing">{t('scenes.missing', { n: missing.size })}</span>}
        <span className="grow" />
        {isEdited ? (
          <>
            {draft.isFleeting && <span className="hint">{t('scenes.fleeting')}</span>}
            {draft.draft !== undefined && <span className="tag">{t('scenes.unsaved')}</span>}
            <IconButton icon={UndoIcon} label={t('scenes.undo')} keys={showKeys('Ctrl Z')} disabled={!draft.undo} onClick={() => { draft.undo?.() }} data-testid="scenes.undo" />
            {draft.draft !== undefined && <Button onClick={() => { draft.forget() }} data-testid="scenes.discard">{t('scenes.discard')}</Button>}
            {mayWrite && <Button look="main" icon={SaveIcon} keys={showKeys('Ctrl S')} disabled={saving.busy || !draft.draft} onClick={saving.save} data-testid="scenes.save">{t('scenes.save')}</Button>}
            <Button onClick={() => { going.step({ edit: undefined }) }} data-testid="scenes.done">{t('scenes.done')}</Button>
          </>
        ) : (
          <>
            {mayWrite && <Button icon={EditIcon} keys="e" onClick={() => { going.step({ edit: '1' }) }} data-testid="scenes.edit">{draft.draft === undefined ? t('scenes.edit') : t('scenes.go-on')}</Button>}
            {may('kastor/explorer/delete') && <IconButton icon={DeleteIcon} label={t('scenes.delete')} onClick={() => { setDeleting(true) }} data-testid="scenes.delete" />}
          </>
        )}
      </header>
      {saving.problem && <Failed error={saving.problem} compact onRetry={saving.save} />}
      {saving.conflict && <ConflictDialog saving={saving} />}
      {deleting && <DeleteDialog name={name} title={scene.title} onClose={() => { setDeleting(false) }} onDeleted={draft.forget} />}
    </>
  )
}

function ConflictDialog({ saving }: { saving: Saving }): ReactNode {
  return (
    <Dialog open title={t('scenes.conflict')} description={t('scenes.conflict-text')} onClose={saving.close} testId="scenes.conflict" foot={(
      <>
        <Button onClick={saving.close}>{t('ui.cancel')}</Button>
        <Button onClick={saving.takeTheirs} data-testid="scenes.conflict.theirs">{t('scenes.take-theirs')}</Button>
        <Button look="main" onClick={saving.takeMine} data-testid="scenes.conflict.mine">{t('scenes.take-mine')}</Button>
      </>
    )}>
      <p className="secondary">{t('scenes.conflict-more')}</p>
    </Dialog>
  )
}

function DeleteDialog({ name, title, onClose, onDeleted }: { name: string; title: string; onClose: () => void; onDeleted: () => void }): ReactNode {
  const graph = useGraph()
  const client = useQueryClient()
  const { go } = useGoing()
  const remove = (): void => {
    onClose()
    deleteScene(graph.name, name).then(() => {
      onDeleted()
      void client.invalidateQueries({ queryKey: [graph.name, 'scenes'] })
      toast({ text: t('scenes.deleted', { title }) })
      go({ screen: 'scenes', rest: [] })
    }, (thrown: unknown) => { toast({ kind: 'error', text: asApiError(thrown).message }) })
  }
  return <Confirm open title={t('scenes.delete-title', { title })} text={t('scenes.delete-text')} act={t('scenes.delete')} onClose={onClose} onConfirm={remove} />
}
