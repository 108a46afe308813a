import { useQueryClient } from '@tanstack/react-query'
import { Select } from '@/ui/select'
import { type ReactNode, useRef, useState } from 'react'
import { type ApiError, asApiError } from '@/api/errors'
import { useGraph, useMay } from '@/state/graph'
import { t } from '@/text/text'
import { Button, IconButton } from '@/ui/button'
import { Confirm } from '@/ui/dialog'
import { DeleteIcon, ImportIcon } from '@/ui/icons'
import { Failed } from '@/ui/states'
import { deleteFile, type Dropped, uploadFile, useFiles } from './data'

const MOST_TOLD = 12
const LARGEST = 20_000_000

function whatOf({ what }: Dropped): string {
  switch (what) {
    case 'element': return t('scenes.dropped-element')
    case 'attribute': return t('scenes.dropped-attribute')
    case 'rule': return t('scenes.dropped-rule')
    case 'doctype': return t('scenes.dropped-doctype')
    default: return t('scenes.dropped-other')
  }
}

/** One of the files that are there, or one that is uploaded now; what the server took out of it is told. */
export function FileChooser({ chosen, onChoose, deletable = false }: { chosen: string; onChoose: (file: string) => void; deletable?: boolean }): ReactNode {
  const graph = useGraph()
  const may = useMay()
  const client = useQueryClient()
  const files = useFiles()
  const input = useRef<HTMLInputElement>(null)
  const [busy, setBusy] = useState(false)
  const [problem, setProblem] = useState<ApiError>()
  const [dropped, setDropped] = useState<readonly Dropped[]>()
  const [same, setSame] = useState<File>()
  const [deleting, setDeleting] = useState(false)
  const remove = (): void => {
    setDeleting(false)
    deleteFile(graph.name, chosen).then(() => { onChoose(''); setDropped(undefined); void client.invalidateQueries({ queryKey: [graph.name, 'scene-files'] }) }, (thrown: unknown) => { setProblem(asApiError(thrown)) })
  }
  const upload = async (file: File, replace: boolean): Promise<void> => {
    setProblem(undefined)
    setDropped(undefined)
    setSame(undefined)
    if (file.size > LARGEST) { setProblem(asApiError(new Error(t('scenes.too-large')))); return }
    setBusy(true)
    try {
      setDropped(await uploadFile(graph.name, file, file.name, replace))
      await Promise.all([client.invalidateQueries({ queryKey: [graph.name, 'scene-files'] }), client.invalidateQueries({ queryKey: [graph.name, 'scene-file', file.name] })])
      onChoose(file.name)
    } catch (thrown) {
      const error = asApiError(thrown)
      if (error.status === 412) setSame(file)
      else setProblem(error)
    } finally {
      setBusy(false)
    }
  }
  return (
    <div className="field" onDragOver={(event) => { if (event.dataTransfer.types.includes('Files')) event.preventDefault() }} onDrop={(event) => { const [file] = event.dataTransfer.files; if (file) { event.preventDefault(); void upload(file, false) } }}>
      <span className="field-label">{t('scenes.file')}</span>
      <span className="row">
        {(files.data?.length ?? 0) > 0 && <Select label={t('scenes.file')} value={chosen === '' ? undefined : chosen} placeholder={t('scenes.choose-file')} choices={(files.data ?? []).map(({ name }) => ({ value: name, text: name }))} onChange={onChoose} testId="scenes.file" />}
        {deletable && chosen !== '' && may('kastor/explorer/delete') && <IconButton icon={DeleteIcon} label={t('scenes.delete-file', { name: chosen })} onClick={() => { setDeleting(true) }} data-testid="scenes.file.delete" />}
        <Button icon={ImportIcon} disabled={busy} onClick={() => input.current?.click()} data-testid="scenes.upload">{busy ? t('scenes.uploading') : t('scenes.upload')}</Button>
        <input ref={input} type="file" hidden accept=".svg,.glb,.gltf,image/svg+xml" data-testid="scenes.upload.input" onChange={(event) => { const [file] = event.target.files ?? []; if (file) void upload(file, false); event.target.value = '' }} />
      </span>
      <span className="hint">{t('scenes.file-hint')}</span>
      {problem && <Failed error={problem} compact />}
      {same && (
        <p className="scenes-told warn" role="alert">
          {t('scenes.same-file', { name: same.name })}
          <span className="row"><Button onClick={() => { void upload(same, true) }} data-testid="scenes.upload.replace">{t('scenes.replace')}</Button><Button look="quiet" onClick={() => { onChoose(same.name); setSame(undefined) }}>{t('scenes.use-old')}</Button></span>
        </p>
      )}
      {deleting && <Confirm open title={t('scenes.delete-file-title', { name: chosen })} text={t('scenes.delete-file-text')} act={t('scenes.delete')} onClose={() => { setDeleting(false) }} onConfirm={remove} />}
      {dropped !== undefined && <Told dropped={dropped} file={chosen} />}
    </div>
  )
}

/** What was taken out, by kind and name: most of it is what a drawing program leaves of itself. */
function Told({ dropped, file }: { dropped: readonly Dropped[]; file: string }): ReactNode {
  if (dropped.length === 0) return <p className="scenes-told ok" role="status">{t('scenes.dropped-none', { name: file })}</p>
  return (
    <div className="scenes-told" role="status" data-testid="scenes.dropped">
      <p>{t('scenes.dropped', { n: dropped.reduce((sum, each) => sum + each.count, 0) })}</p>
      <ul className="scenes-dropped">
        {dropped.slice(0, MOST_TOLD).map((each, index) => <li key={index}><code>{each.name}</code> <span className="hint">{whatOf(each)}{each.count > 1 && ` × ${each.count}`}{each.line !== undefined && ` · ${t('scenes.line', { line: String(each.line) })}`}</span></li>)}
        {dropped.length > MOST_TOLD && <li className="hint">{t('scenes.dropped-more', { n: dropped.length - MOST_TOLD })}</li>}
      </ul>
    </div>
  )
}
