import { type ReactNode, useEffect, useRef, useState } from 'react'
import { type ApiError, asApiError } from '@/api/errors'
import { twinsById } from '@/parts/structure/load'
import { useGraph, useModels } from '@/state/graph'
import { modelOf } from '@/state/twins'
import { selectionOf, useGoing } from '@/state/url'
import { formatNumber, t } from '@/text/text'
import { Button } from '@/ui/button'
import { Field, Switch } from '@/ui/controls'
import { DownloadIcon, StopIcon } from '@/ui/icons'
import { Select } from '@/ui/select'
import { Failed } from '@/ui/states'
import { toast } from '@/ui/toasts'
import { closureOf, exported, type Format, opener, type Wanted } from './exporting'
import { save } from './saving'

type What = Wanted['what']

/** The whole graph, what a query answers, or what is selected; of now, or of then. */
export function Export(): ReactNode {
  const { name, at } = useGraph()
  const { place } = useGoing()
  const models = useModels()
  // A relationship is exported with both its ends: here only twins are named.
  const selection = selectionOf(place.parameters).filter((each) => !each.includes('/'))
  const [what, setWhat] = useState<What>(place.parameters.q === undefined ? 'all' : 'query')
  const [query, setQuery] = useState(place.parameters.q ?? 'SELECT * FROM DIGITALTWINS')
  const [format, setFormat] = useState<Format>('ndjson')
  const [withModels, setWithModels] = useState<boolean>()
  const [system, setSystem] = useState(false)
  const chosen: What = what === 'selection' && selection.length === 0 ? 'all' : what
  // A part is mostly for a graph that has the models.
  const included = withModels ?? chosen === 'all'
  const { run, stop, bytes, error, busy } = useSaving(async (signal) => {
    const wanted: Wanted = { what: chosen, query, selection, models: included, system: format === 'ndjson' && system, format }
    const modelsOf = async (): Promise<ReadonlySet<string>> => closureOf(models, (await twinsById({ graph: name, at, signal }, selection)).map(modelOf))
    return exported(wanted, opener(name, at, wanted.system, signal), modelsOf)
  })
  const start = (): void => { void run(`${name}-${(at ?? new Date().toISOString()).slice(0, 19).replaceAll(/[^\w-]/g, '')}.${format === 'ndjson' ? 'ndjson' : 'json'}`) }
  return (
    <>
      <h1>{t('io.export')}</h1>
      <section className="card io-check io-exporting" aria-label={t('io.export')} data-testid="io.exporting" data-state={busy ? 'busy' : bytes === undefined ? 'idle' : 'saved'}>
        <Field label={t('io.what')}><Select label={t('io.what')} value={chosen} onChange={setWhat} choices={[
          { value: 'all', text: t('io.all') }, { value: 'query', text: t('io.of-query') },
          ...(selection.length > 0 ? [{ value: 'selection' as const, text: t('io.of-selection', { n: selection.length }) }] : []),
        ]} testId="io.what" /></Field>
        {chosen === 'query' && <Field label={t('io.query')} hint={t('io.query-hint')}><textarea className="input mono" rows={3} value={query} spellCheck={false} onChange={(event) => { setQuery(event.target.value) }} data-testid="io.query" /></Field>}
        {chosen === 'selection' && <p className="io-selection secondary" data-testid="io.selection">{selection.map((id) => <code key={id} className="tag">{id}</code>)} {t('io.selection-hint')}</p>}
        <Field label={t('io.format')}><Select label={t('io.format')} value={format} onChange={setFormat} choices={[{ value: 'ndjson', text: t('io.format-ndjson') }, { value: 'explorer', text: t('io.format-explorer') }]} testId="io.format" /></Field>
        <div className="row"><Switch label={t('io.with-models')} on={included} onChange={setWithModels} testId="io.with-models" /><span>{t('io.with-models')}</span>{included && chosen === 'query' && <span className="hint">{t('io.all-models')}</span>}</div>
        {format === 'ndjson' && <div className="row"><Switch label={t('io.system')} on={system} onChange={setSystem} testId="io.system" /><span>{t('io.system')}</span></div>}
        {at !== undefined && <p className="secondary" data-testid="io.as-of">{t('io.as-of', { time: at })}</p>}
        <div className="row"><Button look="main" icon={DownloadIcon} disabled={busy} onClick={start} data-testid="io.export">{t('io.save')}</Button>
          {busy && <Button icon={StopIcon} onClick={stop} data-testid="io.export-cancel">{t('ui.cancel')}</Button>}
          {bytes !== undefined && <span className="secondary num" role="status">{t(busy ? 'io.so-far' : 'io.saved', { bytes: formatNumber(bytes) })}</span>}</div>
        {error && <Failed error={error} compact />}
      </section>
    </>
  )
}

interface Running { readonly run: (name: string) => Promise<void>; readonly stop: () => void; readonly bytes: number | undefined; readonly error: ApiError | undefined; readonly busy: boolean }

/** A stream that is saved: how much of it there is so far, and how it is ended. */
function useSaving(open: (signal: AbortSignal) => Promise<ReadableStream<Uint8Array>>): Running {
  const [bytes, setBytes] = useState<number>()
  const [error, setError] = useState<ApiError>()
  const [busy, setBusy] = useState(false)
  const ended = useRef<AbortController>(undefined)
  // Nobody sees how it goes on, and whoever signs in next did not ask for it.
  useEffect(() => () => {
    if (!ended.current) return
    ended.current.abort()
    toast({ text: t('io.export-left') })
  }, [])
  const run = async (name: string): Promise<void> => {
    const { signal } = (ended.current = new AbortController())
    setBusy(true)
    setError(undefined)
    setBytes(undefined)
    try {
      await save({ name, open: () => open(signal), counted: setBytes, signal })
    } catch (thrown) {
      setBytes(undefined)
      if (!(thrown instanceof DOMException && thrown.name === 'AbortError')) setError(asApiError(thrown))
    } finally {
      ended.current = undefined
      setBusy(false)
    }
  }
  return { run, stop: () => { ended.current?.abort() }, bytes, error, busy }
}
