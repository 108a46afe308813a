import { type ReactNode, useState } from 'react'
import { asApiError } from '@/api/errors'
import { open } from '@/api/http'
import { type Json, parseJson, writeJson } from '@/api/json'
import { useGraph } from '@/state/graph'
import { useGoing } from '@/state/url'
import { formatNumber, t } from '@/text/text'
import { Button } from '@/ui/button'
import { Field, Switch } from '@/ui/controls'
import { Select } from '@/ui/select'
import { DownloadIcon } from '@/ui/icons'
import { Failed } from '@/ui/states'
import type { ApiError } from '@/api/errors'
import { saveBlob } from '@/ui/download'
import { saveResponse } from './download'
import { explorerJson } from './explorerJson'

type Format = 'ndjson' | 'explorer'

/** The whole graph, or what a query answers; of now, or of then. */
export function Export(): ReactNode {
  const { name, at } = useGraph()
  const { place } = useGoing()
  const [what, setWhat] = useState<'all' | 'query'>(place.parameters.q === undefined ? 'all' : 'query')
  const [query, setQuery] = useState(place.parameters.q ?? 'SELECT * FROM DIGITALTWINS')
  const [format, setFormat] = useState<Format>('ndjson')
  const [system, setSystem] = useState(false)
  const [bytes, setBytes] = useState<number>()
  const [error, setError] = useState<ApiError>()
  const [busy, setBusy] = useState(false)
  const run = async (): Promise<void> => {
    setBusy(true)
    setError(undefined)
    try {
      const response = await open(name, { path: '/kastor/v1/export', at, query: { query: what === 'query' ? query : undefined, system: system || undefined }, headers: { accept: 'application/x-ndjson' } })
      const stem = `${name}-${new Date().toISOString().slice(0, 19).replaceAll(':', '')}`
      if (format === 'ndjson') await saveResponse(response, `${stem}.ndjson`, setBytes)
      else {
        const text = writeJson(explorerJson((await response.text()).split('\n').filter((line) => line !== '').map((line): Json => parseJson(line))), 2)
        setBytes(text.length)
        saveBlob(new Blob([text], { type: 'application/json' }), `${stem}.json`)
      }
    } catch (thrown) {
      if (!(thrown instanceof DOMException && thrown.name === 'AbortError')) setError(asApiError(thrown))
    } finally {
      setBusy(false)
    }
  }
  return (
    <>
      <h1>{t('io.export')}</h1>
      <section className="card io-check" aria-label={t('io.export')}>
        <Field label={t('io.what')}><Select label={t('io.what')} value={what} onChange={setWhat} choices={[{ value: 'all', text: t('io.all') }, { value: 'query', text: t('io.of-query') }]} testId="io.what" /></Field>
        {what === 'query' && <Field label={t('io.query')} hint={t('io.query-hint')}><textarea className="input mono" rows={3} value={query} spellCheck={false} onChange={(event) => { setQuery(event.target.value) }} data-testid="io.query" /></Field>}
        <Field label={t('io.format')}><Select label={t('io.format')} value={format} onChange={setFormat} choices={[{ value: 'ndjson', text: t('io.format-ndjson') }, { value: 'explorer', text: t('io.format-explorer') }]} testId="io.format" /></Field>
        {format === 'ndjson' && <div className="row"><Switch label={t('io.system')} on={system} onChange={setSystem} /><span>{t('io.system')}</span></div>}
        {at !== undefined && <p className="secondary">{t('io.as-of', { time: at })}</p>}
        <div className="row"><Button look="main" icon={DownloadIcon} disabled={busy} onClick={() => { void run() }} data-testid="io.export">{t('io.save')}</Button>
          {bytes !== undefined && <span className="secondary num" role="status">{t(busy ? 'io.so-far' : 'io.saved', { bytes: formatNumber(bytes) })}</span>}</div>
        {error && <Failed error={error} compact />}
      </section>
    </>
  )
}
