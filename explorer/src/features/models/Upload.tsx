import { useQueryClient } from '@tanstack/react-query'
import { type ReactNode, useEffect, useMemo, useRef, useState } from 'react'
import { type ApiError, asApiError } from '@/api/errors'
import { send } from '@/api/http'
import { parseJson } from '@/api/json'
import type { Models } from '@/dtdl/models'
import { useGraph } from '@/state/graph'
import { t } from '@/text/text'
import { Button } from '@/ui/button'
import { Dialog } from '@/ui/dialog'
import { FileIcon, FolderIcon } from '@/ui/icons'
import { toast } from '@/ui/toasts'
import { Candidates, Problems } from './UploadLists'
import { type Candidate, candidatesOf, definitionsOf, readFiles, type Unread } from './files'
import { problemsOf, type Sent, sentOf } from './problems'

interface UploadProps { readonly models: Models; readonly files: readonly File[]; readonly onClose: () => void }
interface Texts { readonly texts: readonly { readonly file: string; readonly text: string }[]; readonly unread: readonly Unread[] }

const NONE: Texts = { texts: [], unread: [] }
const PASTED = 'pasted.json'

function useCandidates(models: Models, read: Texts): { readonly all: readonly Candidate[]; readonly unread: readonly Unread[] } {
  const { name } = useGraph()
  const [definitions, setDefinitions] = useState<Awaited<ReturnType<typeof definitionsOf>>>(new Map())
  const first = useMemo(() => candidatesOf(read.texts, models, new Map()), [read, models])
  useEffect(() => {
    let current = true
    void definitionsOf(name, models, first.all.map((each) => each.id)).then((found) => { if (current) setDefinitions(found) }, () => undefined)
    return () => { current = false }
  }, [name, models, first])
  return useMemo(() => { const { all, unread } = candidatesOf(read.texts, models, definitions); return { all, unread: [...read.unread, ...unread] } }, [read, models, definitions])
}

/** Upload of models: what they are is shown first, all go in one request, what is wrong is told by file (design 5.3). */
export function Upload({ models, files, onClose }: UploadProps): ReactNode {
  const { name } = useGraph()
  const client = useQueryClient()
  const [read, setRead] = useState(NONE)
  const [refusal, setRefusal] = useState<{ error: ApiError; sent: Sent }>()
  const [busy, setBusy] = useState(false)
  const { all, unread } = useCandidates(models, read)
  const take = async (more: readonly File[]): Promise<void> => {
    const next = await readFiles(more)
    setRefusal(undefined)
    setRead((before) => ({ texts: [...before.texts.filter((each) => !next.texts.some((mine) => mine.file === each.file)), ...next.texts], unread: next.unread }))
  }
  useEffect(() => { if (files.length > 0) void take(files) }, [files])
  const problems = useMemo(() => refusal && problemsOf(refusal.error, refusal.sent), [refusal])
  const sending = all.filter((each) => each.state !== 'same' && each.state !== 'twice')
  const post = async (dryRun: boolean): Promise<void> => {
    setBusy(true)
    const sent = sentOf(sending)
    try {
      await send(name, { method: 'POST', path: '/models', raw: sent.body.text, headers: { 'content-type': 'application/json', ...(dryRun && { 'kastor-dry-run': 'true' }) } })
      setRefusal(undefined)
      if (dryRun) { toast({ text: t('models.all-well', { n: sending.length }) }); return }
      await client.invalidateQueries({ queryKey: [name, 'models'] })
      toast({ text: t('models.uploaded', { n: sending.length }) })
      onClose()
    } catch (error) {
      setRefusal({ error: asApiError(error), sent })
    } finally {
      setBusy(false)
    }
  }
  const [again, setAgain] = useState(false)
  const mend = (file: string, text: string, sendAgain: boolean): void => {
    setRefusal(undefined)
    setRead((before) => ({ ...before, texts: before.texts.map((each) => (each.file === file ? { file, text } : each)) }))
    setAgain(sendAgain)
  }
  useEffect(() => {
    if (!again) return
    setAgain(false)
    // What is no JSON yet is told of first: nothing is sent behind its back.
    if (unread.length === 0 && sending.length > 0) void post(false)
  }, [again])
  return (
    <Dialog open title={t('models.upload')} description={t('models.upload-text')} onClose={onClose} wide testId="models.upload-dialog" foot={(
      <>
        <Button onClick={onClose}>{t('ui.cancel')}</Button>
        <Button disabled={busy || sending.length === 0} onClick={() => { void post(true) }} data-testid="models.check">{t('models.check')}</Button>
        <Button look="main" disabled={busy || sending.length === 0} onClick={() => { void post(false) }} data-testid="models.send">{t('models.send', { n: sending.length })}</Button>
      </>
    )}>
      <Choosers onFiles={(more) => { void take(more) }} onPaste={(text) => { setRefusal(undefined); setRead((before) => ({ ...before, texts: [...before.texts.filter((each) => each.file !== PASTED), { file: PASTED, text }] })) }} />
      {problems ? <Problems problems={problems} onMend={mend} /> : <Candidates all={all} unread={unread} onMend={mend} />}
    </Dialog>
  )
}

function Choosers({ onFiles, onPaste }: { onFiles: (files: readonly File[]) => void; onPaste: (text: string) => void }): ReactNode {
  const some = useRef<HTMLInputElement>(null)
  const folder = useRef<HTMLInputElement>(null)
  const [text, setText] = useState('')
  const isJson = useMemo(() => { try { parseJson(text); return true } catch { return false } }, [text])
  const taken = (input: HTMLInputElement): void => { onFiles([...(input.files ?? [])]); input.value = '' }
  return (
    <div className="models-choose" onDragOver={(event) => { event.preventDefault() }}>
      <Button icon={FileIcon} onClick={() => some.current?.click()}>{t('models.files')}</Button>
      <Button icon={FolderIcon} onClick={() => folder.current?.click()}>{t('models.folder')}</Button>
      <input ref={some} type="file" multiple accept=".json,.zip,application/json,application/zip" hidden onChange={(event) => { taken(event.target) }} data-testid="models.files" />
      <input ref={folder} type="file" multiple hidden {...{ webkitdirectory: '' }} onChange={(event) => { taken(event.target) }} data-testid="models.folder" />
      <input className="input mono grow" placeholder={t('models.paste')} aria-label={t('models.paste')} value={text} aria-invalid={text !== '' && !isJson} onChange={(event) => { setText(event.target.value) }} data-testid="models.paste" />
      <Button disabled={text === '' || !isJson} onClick={() => { onPaste(text); setText('') }}>{t('models.add')}</Button>
    </div>
  )
}
