import { type FormEvent, type ReactNode, useState } from 'react'
import { path } from '@/api/http'
import { useMay, useModels } from '@/state/graph'
import { t } from '@/text/text'
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
      {may('kastor/indexes/write') && <Build />}
    </>
  )
}

function Build(): ReactNode {
  const act = useAct()
  const models = useModels()
  const [text, setText] = useState('')
  const [busy, setBusy] = useState(false)
  const paths = [...new Set(models.all.flatMap((model) => model.contents.flatMap((each) => {
    if (each.kind === 'property') return [each.name]
    const inner = each.kind === 'component' && each.model !== undefined ? models.get(each.model)?.contents ?? [] : []
    return inner.filter((part) => part.kind === 'property').map((part) => `${each.name}.${part.name}`)
  })))].sort()
  const build = (event: FormEvent): void => {
    event.preventDefault()
    setBusy(true)
    void act({ method: 'PUT', path: path('/kastor/v1/indexes/{path}', { path: text.trim() }) }, t('operate.built', { path: text.trim() })).then((done) => { setBusy(false); if (done) setText('') })
  }
  return (
    <form className="row operate-build" onSubmit={build}>
      <input className="input mono" list="index-paths" value={text} placeholder={t('operate.index-path')} aria-label={t('operate.index-path')} onChange={(event) => { setText(event.target.value) }} data-testid="operate.index-path" />
      <datalist id="index-paths">{paths.map((each) => <option key={each} value={each} />)}</datalist>
      <Button look="main" icon={AddIcon} type="submit" disabled={busy || text.trim() === ''} data-testid="operate.index-build">{t(busy ? 'operate.building' : 'operate.build')}</Button>
    </form>
  )
}
