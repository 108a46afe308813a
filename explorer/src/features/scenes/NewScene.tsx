import { useQueryClient } from '@tanstack/react-query'
import { type ReactNode, useState } from 'react'
import { type ApiError, asApiError } from '@/api/errors'
import { TwinPicker } from '@/parts/pick/TwinPicker'
import { TwinName } from '@/parts/TwinName'
import { useGraph } from '@/state/graph'
import { useGoing } from '@/state/url'
import { t } from '@/text/text'
import { Button } from '@/ui/button'
import { Field } from '@/ui/controls'
import { Dialog } from '@/ui/dialog'
import { Failed } from '@/ui/states'
import { Popover } from '@/ui/menu'
import { saveScene } from './data'
import { FileChooser } from './FileChooser'
import { isName, nameOf } from './scene'

/** A new scene: a title and a drawing; its elements are bound afterwards. */
export function NewScene({ taken, onClose }: { taken: readonly string[]; onClose: () => void }): ReactNode {
  const graph = useGraph()
  const client = useQueryClient()
  const { go } = useGoing()
  const [title, setTitle] = useState('')
  const [file, setFile] = useState('')
  const [twin, setTwin] = useState<string>()
  const [busy, setBusy] = useState(false)
  const [problem, setProblem] = useState<ApiError>()
  const name = nameOf(title)
  const isTaken = taken.includes(name)
  const isReady = isName(name) && !isTaken && file !== '' && title.trim().length <= 200 && !busy
  const create = async (): Promise<void> => {
    if (!isReady) return
    setBusy(true)
    setProblem(undefined)
    try {
      await saveScene(graph.name, name, { version: 1, title: title.trim(), file, ...(twin !== undefined && { twin }), bindings: [], behaviours: [] }, undefined)
      await client.invalidateQueries({ queryKey: [graph.name, 'scenes'] })
      onClose()
      go({ screen: 'scenes', rest: [name], parameters: { edit: '1' } })
    } catch (thrown) {
      setProblem(asApiError(thrown))
      setBusy(false)
    }
  }
  return (
    <Dialog open title={t('scenes.new')} description={t('scenes.new-text')} onClose={onClose} testId="scenes.new-dialog" foot={(
      <>
        <Button onClick={onClose}>{t('ui.cancel')}</Button>
        <Button look="main" disabled={!isReady} onClick={() => { void create() }} data-testid="scenes.new.create">{t('scenes.create')}</Button>
      </>
    )}>
      <Field label={t('scenes.title')} error={isTaken ? t('scenes.taken', { name }) : undefined} {...(name !== '' && { hint: t('scenes.name-hint', { name }) })}>
        <input className="input" autoFocus maxLength={200} value={title} onChange={(event) => { setTitle(event.target.value) }} data-testid="scenes.new.title" />
      </Field>
      <FileChooser chosen={file} onChoose={setFile} deletable />
      <div className="field">
        <span className="field-label">{t('scenes.of-twin')}</span>
        <TwinChoice twin={twin} onChoose={setTwin} testId="scenes.new.twin" />
      </div>
      {problem && <Failed error={problem} compact />}
    </Dialog>
  )
}

/** A twin, or none. */
export function TwinChoice({ twin, onChoose, testId }: { twin: string | undefined; onChoose: (twin: string | undefined) => void; testId: string }): ReactNode {
  const [open, setOpen] = useState(false)
  return (
    <span className="row">
      <Popover label={t('scenes.choose-twin')} open={open} onOpenChange={setOpen} trigger={<Button data-testid={testId}>{twin === undefined ? t('scenes.choose-twin') : <TwinName id={twin} />}</Button>}>
        <TwinPicker label={t('scenes.choose-twin')} testId={`${testId}.picker`} onChoose={(id) => { onChoose(id); setOpen(false) }} />
      </Popover>
      {twin !== undefined && <Button look="quiet" onClick={() => { onChoose(undefined) }}>{t('scenes.no-twin')}</Button>}
    </span>
  )
}
