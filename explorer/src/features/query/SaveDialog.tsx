import { type ReactNode, useEffect, useRef, useState } from 'react'
import { asApiError } from '@/api/errors'
import { t } from '@/text/text'
import { Button } from '@/ui/button'
import { Field } from '@/ui/controls'
import { Dialog } from '@/ui/dialog'
import { FOLDER, type SavedQueries } from './saved'

const LONGEST = 128

interface SaveDialogProps { readonly text: string; readonly suggested: string; readonly saved: SavedQueries; readonly onClose: () => void; readonly onSaved: (name: string, etag: string | undefined) => void }

/** Ask for the name, and the folder, under which a query is saved. */
export function SaveDialog({ text, suggested, saved, onClose, onSaved }: SaveDialogProps): ReactNode {
  const [name, setName] = useState(suggested.replaceAll('/', ' ').slice(0, LONGEST))
  const field = useRef<HTMLInputElement>(null)
  // The dialog takes the focus when it opens; who saves wants to write.
  useEffect(() => { const frame = requestAnimationFrame(() => { field.current?.select() }); return () => { cancelAnimationFrame(frame) } }, [])
  const [folder, setFolder] = useState('')
  const [error, setError] = useState<string>()
  const whole = (folder.trim() === '' ? name.trim() : `${folder.trim()}${FOLDER}${name.trim()}`).slice(0, LONGEST)
  const taken = saved.entries.some((each) => each.name === whole)
  const wrong = name.includes('/') || folder.includes('/') ? t('query.no-slash') : undefined
  const folders = [...new Set(saved.entries.map((each) => each.name.split(FOLDER).slice(0, -1).join(FOLDER)))].filter((each) => each !== '')
  const save = (): void => { if (name.trim() !== '' && wrong === undefined) saved.save(whole, text, taken ? undefined : 'nothing').then((etag) => { onSaved(whole, etag) }, (thrown: unknown) => { setError(asApiError(thrown).message) }) }
  return (
    <Dialog open title={t('query.save')} onClose={onClose} testId="query.save.dialog" foot={(
      <>
        <Button onClick={onClose}>{t('ui.cancel')}</Button>
        <Button look="main" disabled={name.trim() === '' || wrong !== undefined} onClick={save} data-testid="query.save.act">{t(taken ? 'query.save-over' : 'query.save')}</Button>
      </>
    )}>
      <form onSubmit={(event) => { event.preventDefault(); save() }}>
        <Field label={t('query.name')} error={wrong ?? error} hint={t(saved.where === 'server' ? 'query.where-server' : 'query.where-browser')}>
          <input className="input" value={name} maxLength={LONGEST} ref={field} onChange={(event) => { setName(event.target.value) }} data-testid="query.save.name" />
        </Field>
        <Field label={t('query.folder')} hint={t('query.folder-hint')}>
          <input className="input" value={folder} maxLength={60} list="query-folders" onChange={(event) => { setFolder(event.target.value) }} />
        </Field>
        <datalist id="query-folders">{folders.map((each) => <option key={each} value={each} />)}</datalist>
        <button type="submit" hidden />
      </form>
    </Dialog>
  )
}
