import { type ReactNode, useState } from 'react'
import { path } from '@/api/http'
import { useGoing } from '@/state/url'
import { t } from '@/text/text'
import { Button } from '@/ui/button'
import { Field } from '@/ui/controls'
import { Dialog } from '@/ui/dialog'
import { ImportIcon, DownloadIcon } from '@/ui/icons'
import { useAct } from './data'

interface MoveGraphProps { readonly name: string; readonly engine: string; readonly place: string; readonly onClose: () => void }

/** To another database or schema; a server of files says how a graph goes elsewhere. */
export function MoveGraph({ name, engine, place, onClose }: MoveGraphProps): ReactNode {
  const act = useAct()
  const [database, setDatabase] = useState('')
  const [schema, setSchema] = useState('')
  const title = t('operate.move-graph', { name })
  if (engine === 'sqlite') return <Elsewhere name={name} place={place} title={title} onClose={onClose} />
  const isWhole = database.trim() !== '' || schema.trim() !== ''
  const move = async (dryRun: boolean): Promise<void> => {
    const body = { ...(database.trim() !== '' && { database: database.trim() }), ...(schema.trim() !== '' && { schema: schema.trim() }) }
    const done = await act({ method: 'POST', path: path('/kastor/v1/graphs/{name}/move', { name }), body, headers: dryRun ? { 'kastor-dry-run': 'true' } : {} }, dryRun ? t('operate.would-move', { name }) : t('operate.move-begun', { name }))
    if (done && !dryRun) onClose()
  }
  return (
    <Dialog open title={title} description={t('operate.move-text')} onClose={onClose} testId="operate.move" foot={(
      <><Button onClick={onClose}>{t('ui.cancel')}</Button><Button disabled={!isWhole} onClick={() => { void move(true) }} data-testid="operate.move.check">{t('operate.check')}</Button><Button look="main" disabled={!isWhole} onClick={() => { void move(false) }} data-testid="operate.move.act">{t('operate.move-act')}</Button></>
    )}>
      <p className="hint">{t('operate.place')}: <code>{place}</code></p>
      <Field label={t('operate.move-database')} hint={t('operate.move-hint')}><input className="input mono" value={database} onChange={(event) => { setDatabase(event.target.value) }} data-testid="operate.move.database" /></Field>
      <Field label={t('operate.move-schema')} hint={t('operate.move-hint')}><input className="input mono" value={schema} onChange={(event) => { setSchema(event.target.value) }} data-testid="operate.move.schema" /></Field>
    </Dialog>
  )
}

function Elsewhere({ name, place, title, onClose }: { name: string; place: string; title: string; onClose: () => void }): ReactNode {
  const going = useGoing()
  const go = (way: 'import' | 'export'): void => { going.go({ graph: name, screen: 'io', rest: [way], parameters: {} }) }
  return (
    <Dialog open title={title} description={t('operate.move-elsewhere')} onClose={onClose} testId="operate.move" foot={(
      <><Button icon={ImportIcon} onClick={() => { go('import') }}>{t('operate.move-import')}</Button><Button look="main" icon={DownloadIcon} onClick={() => { go('export') }} data-testid="operate.move.export">{t('operate.move-export')}</Button></>
    )}>
      <pre className="operate-json" tabIndex={0} data-testid="operate.move.command">{copyCommand(place)}</pre>
    </Dialog>
  )
}

/** The command that copies a graph with its past, also while it is served. */
export function copyCommand(place: string): string {
  const quoted = /^[\w./-]+$/.test(place) ? place : `'${place.replaceAll("'", "'\\''")}'`
  return `kastor copy ${quoted} 'postgresql://USER@HOST/DATABASE?graph_schema=SCHEMA'`
}
