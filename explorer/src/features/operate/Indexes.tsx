import { type FormEvent, type ReactNode, useState } from 'react'
import { path } from '@/api/http'
import { askedFor } from '@/state/advice'
import { useGraph, useMay, useModels, useStatus } from '@/state/graph'
import { formatNumber, t } from '@/text/text'
import { Button, IconButton } from '@/ui/button'
import { AddIcon, DeleteIcon } from '@/ui/icons'
import { type Index, useAct, useList } from './data'
import { Part } from './Part'

/** Property indexes: those that there are, and the building of others. */
export function Indexes(): ReactNode {
  const may = useMay()
  const act = useAct()
  const indexes = useList<Index>('/kastor/v1/indexes')
  return (
    <>
      <Part title={t('operate.indexes')} query={indexes} empty={t('operate.no-indexes')}>
        {(rows) => <ul className="operate-list" data-testid="operate.indexes">{rows.map((each) => (
          <li key={each.path} className="row" data-testid={`operate.index.${each.path}`}><code className="grow">{each.path}</code>
            {may('kastor/indexes/delete') && <IconButton icon={DeleteIcon} label={t('operate.drop', { path: each.path })} onClick={() => { void act({ method: 'DELETE', path: path('/kastor/v1/indexes/{path}', { path: each.path }) }, t('operate.dropped', { path: each.path })) }} />}</li>
        ))}</ul>}
      </Part>
      {may('kastor/indexes/write') && <Build built={new Set(indexes.data?.map((each) => each.path))} />}
    </>
  )
}

/** As measured: what an engine needs for a twin. */
const SECONDS_PER_TWIN = 2e-6

function Build({ built }: { built: ReadonlySet<string> }): ReactNode {
  const act = useAct()
  const status = useStatus()
  const { name } = useGraph()
  const asked = askedFor(name).filter((each) => !built.has(each.path))
  const models = useModels()
  const [text, setText] = useState('')
  const [busy, setBusy] = useState(false)
  const paths = [...new Set(models.all.flatMap((model) => model.contents.flatMap((each) => {
    if (each.kind === 'property') return [each.name]
    const inner = each.kind === 'component' && each.model !== undefined ? models.get(each.model)?.contents ?? [] : []
    return inner.filter((part) => part.kind === 'property').map((part) => `${each.name}.${part.name}`)
  })))].sort()
  const build = (property: string): void => {
    setBusy(true)
    void act({ method: 'PUT', path: path('/kastor/v1/indexes/{path}', { path: property }) }, t('operate.built', { path: property })).then((done) => { setBusy(false); if (done) setText('') })
  }
  const submit = (event: FormEvent): void => { event.preventDefault(); build(text.trim()) }
  const { twins = 0 } = status.data?.counts ?? {}
  const seconds = Math.max(1, Math.round(twins * SECONDS_PER_TWIN))
  return (
    <div className="operate-build">
    {asked.length > 0 && <section data-testid="operate.indexes.asked"><h3>{t('operate.advice-seen')}</h3>
      <ul className="operate-list">{asked.map((each) => <li key={each.path} className="row"><code>{each.path}</code><code className="hint cut grow" title={each.query}>{each.query}</code><Button icon={AddIcon} disabled={busy} onClick={() => { build(each.path) }} data-testid={`operate.index.build.${each.path}`}>{t('operate.build')}</Button></li>)}</ul></section>}
    <form className="row" onSubmit={submit}>
      <input className="input mono" list="index-paths" value={text} placeholder={t('operate.index-path')} aria-label={t('operate.index-path')} onChange={(event) => { setText(event.target.value) }} data-testid="operate.index-path" />
      <datalist id="index-paths">{paths.map((each) => <option key={each} value={each} />)}</datalist>
      <Button look="main" icon={AddIcon} type="submit" disabled={busy || text.trim() === ''} data-testid="operate.index-build">{t(busy ? 'operate.building' : 'operate.build')}</Button>
      {status.data && <span className="hint" data-testid="operate.index-expected">{t(status.data.engine === 'sqlite' ? 'operate.expected-waits' : 'operate.expected', { s: seconds, n: formatNumber(twins) })}</span>}
    </form>
    </div>
  )
}
