import { useQueryClient } from '@tanstack/react-query'
import { type ReactNode, useEffect, useMemo, useRef, useState } from 'react'
import { type ApiError, asApiError } from '@/api/errors'
import { send } from '@/api/http'
import { isObject, type Json, type JsonObject, parseJson } from '@/api/json'
import type { Models } from '@/dtdl/models'
import { entriesOf, filesIn } from '@/parts/dropped'
import { FormNote } from '@/parts/form/FormNote'
import { textIn } from '@/parts/form/kept'
import { useForm } from '@/parts/form/useForm'
import { LONGEST_DRAFT } from '@/state/drafts'
import { useGraph } from '@/state/graph'
import { t } from '@/text/text'
import { Button } from '@/ui/button'
import { Dialog } from '@/ui/dialog'
import { FileIcon, FolderIcon } from '@/ui/icons'
import { toast } from '@/ui/toasts'
import { Candidates, Problems } from './UploadLists'
import { type Candidate, candidatesOf, definitionsOf, readFiles, type Unread } from './files'
import type { Mends } from './Mender'
import { closing, type Mending, opening, readMending, writing } from './mending'
import { problemsOf, type Sent, sentOf } from './problems'

interface UploadProps { readonly models: Models; readonly files: readonly File[]; readonly onClose: () => void }
interface Text { readonly file: string; readonly text: string }
interface Texts { readonly texts: readonly Text[]; readonly unread: readonly Unread[] }
interface Written {
  readonly texts: readonly Text[]
  /** What is typed to be pasted. */
  readonly pasted: string
  readonly mending: readonly Mending[]
}

export const FORM = 'models'
const NOTHING: readonly Unread[] = []
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

function readWritten(kept: JsonObject): Written {
  const texts = Array.isArray(kept['texts']) ? kept['texts'] as readonly Json[] : []
  return {
    texts: texts.flatMap((each) => (isObject(each) ? [{ file: textIn(each, 'file') ?? '', text: textIn(each, 'text') ?? '' }] : [])),
    pasted: textIn(kept, 'pasted') ?? '',
    mending: readMending(kept['mending']),
  }
}

/** Files are written out with every key: where they are too long to be kept at all, that is not tried. */
export function keepable(written: Written): Written | undefined {
  const length = [...written.texts, ...written.mending].reduce((all, { text = '' }) => all + text.length, written.pasted.length)
  return length > LONGEST_DRAFT ? undefined : written
}

/** Upload of models: what they are is shown first, all go in one request, what is wrong is told by file (design 5.3). */
export function Upload({ models, files, onClose }: UploadProps): ReactNode {
  const { name } = useGraph()
  const client = useQueryClient()
  const form = useForm<Written>({ kind: FORM, name: '', begin: () => ({ texts: [], pasted: '', mending: [] }), read: readWritten, write: keepable })
  const { texts, pasted, mending } = form.value
  const { change } = form
  const [notRead, setUnread] = useState(NOTHING)
  const read = useMemo((): Texts => ({ texts, unread: notRead }), [texts, notRead])
  const [refusal, setRefusal] = useState<{ error: ApiError; sent: Sent }>()
  const [busy, setBusy] = useState(false)
  const { all, unread } = useCandidates(models, read)
  const take = async (more: readonly File[]): Promise<void> => {
    const next = await readFiles(more)
    setRefusal(undefined)
    setUnread(next.unread)
    change((before) => ({ texts: [...before.texts.filter((each) => !next.texts.some((mine) => mine.file === each.file)), ...next.texts] }))
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
      form.forget()
      onClose()
    } catch (error) {
      setRefusal({ error: asApiError(error), sent })
    } finally {
      setBusy(false)
    }
  }
  const [again, setAgain] = useState(false)
  // What is written and not taken yet would not be what is sent.
  const isMending = mending.some((each) => each.text !== undefined && texts.some((one) => one.file === each.file))
  const mends: Mends = {
    all: mending,
    onOpen: (place) => { change((before) => ({ mending: opening(before.mending, place) })) },
    onWrite: (file, text, was) => { change((before) => ({ mending: writing(before.mending, file, text, was) })) },
    onDone: (file, text, sendAgain) => {
      setRefusal(undefined)
      change((before) => ({ mending: closing(before.mending, file), texts: before.texts.map((each) => (each.file === file ? { file, text } : each)) }))
      setAgain(sendAgain)
    },
    onCancel: (file) => { change((before) => ({ mending: closing(before.mending, file) })) },
  }
  useEffect(() => {
    if (!again) return
    setAgain(false)
    // What is no JSON yet is told of first: nothing is sent behind its back.
    if (unread.length === 0 && !isMending && sending.length > 0) void post(false)
  }, [again])
  return (
    <Dialog open title={t('models.upload')} description={t('models.upload-text')} onClose={() => { form.putAside(); onClose() }} wide testId="models.upload-dialog" foot={(
      <>
        <Button onClick={() => { form.forget(); onClose() }} data-testid="models.cancel">{t('ui.cancel')}</Button>
        <Button disabled={busy || isMending || sending.length === 0} onClick={() => { void post(true) }} data-testid="models.check">{t('models.check')}</Button>
        <Button look="main" disabled={busy || isMending || sending.length === 0} onClick={() => { void post(false) }} data-testid="models.send">{t('models.send', { n: sending.length })}</Button>
      </>
    )}>
      <FormNote form={{ ...form, restart: () => { form.restart(); setRefusal(undefined); setUnread(NOTHING) } }} />
      <Choosers onFiles={(more) => { void take(more) }} onDropped={(entries) => { filesIn(entries).then(take).catch((error: unknown) => { toast({ kind: 'error', text: asApiError(error).message }) }) }} text={pasted} onText={(text) => { change({ pasted: text }) }} onPaste={(text) => { setRefusal(undefined); change((before) => ({ pasted: '', texts: [...before.texts.filter((each) => each.file !== PASTED), { file: PASTED, text }] })) }} />
      {problems ? <Problems problems={problems} mends={mends} /> : <Candidates all={all} unread={unread} mends={mends} />}
    </Dialog>
  )
}

interface ChoosersProps { readonly text: string; readonly onText: (text: string) => void; readonly onFiles: (files: readonly File[]) => void; readonly onPaste: (text: string) => void; readonly onDropped: (entries: readonly (FileSystemEntry | File)[]) => void }

function Choosers({ text, onText, onFiles, onPaste, onDropped }: ChoosersProps): ReactNode {
  const some = useRef<HTMLInputElement>(null)
  const folder = useRef<HTMLInputElement>(null)
  const isJson = useMemo(() => { try { parseJson(text); return true } catch { return false } }, [text])
  const taken = (input: HTMLInputElement): void => { onFiles([...(input.files ?? [])]); input.value = '' }
  return (
    <div className="models-choose" onDragOver={(event) => { event.preventDefault() }} onDrop={(event) => { event.preventDefault(); onDropped(entriesOf(event.dataTransfer)) }} data-testid="models.strip">
      <Button icon={FileIcon} onClick={() => some.current?.click()}>{t('models.files')}</Button>
      <Button icon={FolderIcon} onClick={() => folder.current?.click()}>{t('models.folder')}</Button>
      <input ref={some} type="file" multiple accept=".json,.zip,application/json,application/zip" hidden onChange={(event) => { taken(event.target) }} data-testid="models.files" />
      <input ref={folder} type="file" multiple hidden {...{ webkitdirectory: '' }} onChange={(event) => { taken(event.target) }} data-testid="models.folder" />
      <input className="input mono grow" placeholder={t('models.paste')} aria-label={t('models.paste')} value={text} aria-invalid={text !== '' && !isJson} onChange={(event) => { onText(event.target.value) }} data-testid="models.paste" />
      <Button disabled={text === '' || !isJson} onClick={() => { onPaste(text) }}>{t('models.add')}</Button>
    </div>
  )
}
