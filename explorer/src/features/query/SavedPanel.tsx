import { type ReactNode, useRef, useState } from 'react'
import { asApiError } from '@/api/errors'
import { parseJson, writeJson } from '@/api/json'
import { t } from '@/text/text'
import { Button, IconButton } from '@/ui/button'
import { DeleteIcon, DownloadIcon, ImportIcon, SavedIcon } from '@/ui/icons'
import { Popover } from '@/ui/menu'
import { toast } from '@/ui/toasts'
import { saveBlob } from '@/ui/download'
import { EXAMPLES, withoutComment } from './examples'
import { FOLDER, importQueries, queriesOf, type QueryFile, type SavedEntry, type SavedQueries, type SavedText } from './saved'

const MOST_BYTES = 5_000_000

function failed(error: unknown): void { toast({ kind: 'error', text: asApiError(error).message }) }

/** Entries by folder; those without one first. */
export function byFolder(entries: readonly SavedEntry[]): readonly (readonly [string, readonly SavedEntry[]])[] {
  const folders = new Map<string, SavedEntry[]>()
  for (const entry of entries) {
    const folder = entry.name.split(FOLDER).slice(0, -1).join(FOLDER)
    const list = folders.get(folder)
    if (list) list.push(entry)
    else folders.set(folder, [entry])
  }
  return [...folders].sort(([a], [b]) => a.localeCompare(b))
}

interface SavedButtonProps { readonly saved: SavedQueries; readonly onOpen: (name: string, read: SavedText) => void; readonly onExample: (text: string) => void }

/** Saved queries by folder, examples, and one file for all of them. */
export function SavedButton({ saved, onOpen, onExample }: SavedButtonProps): ReactNode {
  const [open, setOpen] = useState(false)
  const openSaved = (name: string): void => { saved.read(name).then((read) => { setOpen(false); onOpen(name, read) }, failed) }
  return (
    <Popover open={open} onOpenChange={setOpen} align="end" label={t('query.saved')} trigger={<Button icon={SavedIcon} data-testid="query.saved">{t('query.saved')}</Button>}>
      <div className="query-list" data-testid="query.saved.list">
        <div className="query-list-rows scroll">
          {saved.error && <p className="field-error" role="alert">{saved.error.message}</p>}
          {!saved.loading && saved.entries.length === 0 && <p className="secondary query-list-none">{t('query.saved-none')}</p>}
          {byFolder(saved.entries).map(([folder, entries]) => (
            <section key={folder}>
              {folder !== '' && <h3 className="menu-group">{folder}</h3>}
              <ul>{entries.map((entry) => <SavedRow key={entry.name} entry={entry} saved={saved} onOpen={openSaved} />)}</ul>
            </section>
          ))}
          <h3 className="menu-group">{t('query.examples')}</h3>
          <ul>
            {EXAMPLES.map((example) => (
              <li key={example.text} className="query-list-row"><button type="button" className="query-list-open" onClick={() => { setOpen(false); onExample(example.text) }}><span>{t(example.name)}</span><span className="mono query-list-text query-list-code">{withoutComment(example.text)}</span></button></li>
            ))}
          </ul>
        </div>
        <FileRow saved={saved} />
      </div>
    </Popover>
  )
}

function SavedRow({ entry, saved, onOpen }: { entry: SavedEntry; saved: SavedQueries; onOpen: (name: string) => void }): ReactNode {
  const title = entry.name.split(FOLDER).at(-1) ?? entry.name
  const remove = async (): Promise<void> => {
    const { text } = await saved.read(entry.name)
    await saved.remove(entry.name)
    toast({ text: t('query.deleted', { name: title }), act: { text: t('query.undo'), run: () => { saved.save(entry.name, text, 'nothing').catch(failed) } } })
  }
  return (
    <li className="query-list-row">
      <button type="button" className="query-list-open" onClick={() => { onOpen(entry.name) }} data-testid={`query.saved.open.${entry.name}`}><span>{title}</span>{entry.by !== undefined && <span className="hint">{entry.by}</span>}</button>
      {saved.mayDelete && <IconButton icon={DeleteIcon} label={t('query.delete', { name: title })} onClick={() => { remove().catch(failed) }} />}
    </li>
  )
}

function FileRow({ saved }: { saved: SavedQueries }): ReactNode {
  const input = useRef<HTMLInputElement>(null)
  const write = async (): Promise<void> => {
    const queries = await Promise.all(saved.entries.map(async ({ name }) => ({ name, text: (await saved.read(name)).text })))
    saveBlob(`${writeJson({ version: 1, queries }, 2)}\n`, 'queries.json')
  }
  const replace = async (queries: QueryFile['queries']): Promise<void> => {
    for (const { name, text } of queries) await saved.save(name, text)
    toast({ text: t('query.imported', { n: queries.length }) })
  }
  const read = async (file: File): Promise<void> => {
    if (file.size > MOST_BYTES) { toast({ kind: 'error', text: t('query.file-large') }); return }
    const queries = queriesOf(parseJson(await file.text()))
    const taken = await importQueries(saved.save, queries)
    if (queries.length > taken.length || taken.length === 0) toast({ text: t('query.imported', { n: queries.length - taken.length }) })
    // It stays until somebody has read it.
    if (taken.length > 0) toast({ kind: 'error', text: t('query.import-taken', { n: taken.length }), act: { text: t('query.import-over'), run: () => { replace(taken).catch(failed) } } })
  }
  return (
    <div className="row query-list-foot">
      {saved.entries.length > 0 && <Button look="quiet" icon={DownloadIcon} onClick={() => { write().catch(failed) }}>{t('query.export')}</Button>}
      {saved.mayWrite && <Button look="quiet" icon={ImportIcon} onClick={() => { input.current?.click() }}>{t('query.import')}</Button>}
      <span className="grow" />
      <span className="hint">{t(saved.where === 'server' ? 'query.where-server' : 'query.where-browser')}</span>
      <input ref={input} type="file" accept="application/json,.json" hidden onChange={(event) => { const [file] = event.target.files ?? []; event.target.value = ''; if (file) read(file).catch(() => { toast({ kind: 'error', text: t('query.file-wrong') }) }) }} />
    </div>
  )
}
