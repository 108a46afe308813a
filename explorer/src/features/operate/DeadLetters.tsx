import { type ReactNode, useState } from 'react'
import { type JsonObject, writeJson } from '@/api/json'
import { useMay } from '@/state/graph'
import { formatNumber, t } from '@/text/text'
import { Button } from '@/ui/button'
import { Confirm } from '@/ui/dialog'
import { DeleteIcon, RetryIcon } from '@/ui/icons'
import { type Column, Table } from '@/ui/table'
import { useAct } from './data'
import { chosenOf, type DeadLetter, type KeyQuery, queriesOf, useLetters } from './letters'
import { when } from './Part'
import { routePath } from './Routes'


/** What a route could not deliver: requeue or delete one, the chosen, or all. */
export function DeadLetters({ route, count }: { route: string; count: number }): ReactNode {
  const may = useMay()
  const act = useAct()
  const letters = useLetters(routePath(route, 'deadletters'), count > 0)
  const [opened, setOpened] = useState<DeadLetter>()
  const [marked, setMarked] = useState<ReadonlySet<number>>(new Set())
  const [deleting, setDeleting] = useState<'all' | 'chosen'>()
  const rows = letters.data ?? []
  const mayWrite = may('kastor/deadletters/write')
  // Those that are gone meanwhile are chosen no more.
  const chosen = chosenOf(rows.map((each) => each.key), marked)
  const each = async (keys: readonly number[] | undefined, call: (query: KeyQuery) => Promise<boolean>): Promise<void> => {
    for (const query of queriesOf(keys)) if (!await call(query)) break
    setMarked(new Set())
  }
  const requeue = (keys: readonly number[] | undefined): void => { void each(keys, (query) => act({ method: 'POST', path: routePath(route, 'deadletters/requeue'), query }, t('operate.requeued'))) }
  const purge = (keys: readonly number[] | undefined): void => {
    setDeleting(undefined)
    setOpened(undefined)
    void each(keys, (query) => act({ method: 'DELETE', path: routePath(route, 'deadletters'), query }))
  }
  const mark = (keys: readonly number[], on: boolean): void => { setMarked((before) => { const next = new Set(before); for (const key of keys) { if (on) next.add(key); else next.delete(key) } return next }) }
  const columns: readonly Column<DeadLetter>[] = [
    ...(mayWrite ? [{ key: 'mark', title: <input type="checkbox" aria-label={t('operate.choose-all')} checked={rows.length > 0 && chosen.length === rows.length} onChange={(event) => { mark(rows.map((each) => each.key), event.target.checked) }} data-testid="operate.deadletter.all" />, width: 34, cell: (letter: DeadLetter) => <input type="checkbox" aria-label={t('operate.choose-letter', { key: String(letter.key) })} checked={marked.has(letter.key)} onClick={(event) => { event.stopPropagation() }} onChange={(event) => { mark([letter.key], event.target.checked) }} data-testid="operate.deadletter.mark" /> }] : []),
    { key: 'time', title: t('operate.time'), width: 200, cell: (letter) => <span className="num">{when(letter.died)}</span> },
    { key: 'subject', title: t('operate.subject'), width: 150, cell: (letter) => <code>{textOf(letter.event, 'subject')}</code> },
    { key: 'attempts', title: t('operate.attempts'), width: 90, align: 'right', cell: (letter) => formatNumber(letter.attempts) },
    { key: 'error', title: t('operate.last-error'), width: 240, cell: (letter) => (letter.requeued ? <span className="tag">{t('operate.is-requeued')}</span> : <span className="operate-error">{letter.error}</span>) },
  ]
  return (
    <div className="operate-letters" data-testid="operate.deadletters">
      <div className="row"><h3 className="grow">{t('operate.dead')} <span className="num">{formatNumber(rows.length)}</span></h3>
        {mayWrite && rows.length > 0 && (
          <>
            {chosen.length > 0 && <>
              <span className="hint">{t('operate.chosen', { n: chosen.length })}</span>
              <Button icon={RetryIcon} onClick={() => { requeue(chosen) }} data-testid="operate.requeue-chosen">{t('operate.requeue-some')}</Button>
              <Button look="danger" icon={DeleteIcon} onClick={() => { setDeleting('chosen') }} data-testid="operate.delete-chosen">{t('operate.delete-one')}</Button>
            </>}
            <Button icon={RetryIcon} onClick={() => { requeue(undefined) }} data-testid="operate.requeue">{t('operate.requeue-all')}</Button>
            <Button look="danger" icon={DeleteIcon} onClick={() => { setDeleting('all') }}>{t('operate.delete-all')}</Button>
          </>
        )}
      </div>
      {rows.length === 0 ? <p className="secondary">{t('operate.no-letters')}</p> : <Table label={t('operate.dead')} columns={columns} rows={rows} keyOf={(letter) => String(letter.key)} chosen={opened === undefined ? undefined : String(opened.key)} onChoose={setOpened} testId="operate.deadletter" />}
      {opened && <pre className="operate-json scroll" tabIndex={0}>{writeJson(opened.event, 2)}</pre>}
      <Confirm open={deleting === 'all'} title={t('operate.delete-letters')} text={t('operate.delete-letters-text')} act={t('operate.delete-all')} typed={route} onClose={() => { setDeleting(undefined) }} onConfirm={() => { purge(undefined) }} />
      <Confirm open={deleting === 'chosen'} title={t('operate.delete-chosen', { n: chosen.length })} text={t('operate.delete-letters-text')} act={t('operate.delete-one')} onClose={() => { setDeleting(undefined) }} onConfirm={() => { purge(chosen) }} />
    </div>
  )
}

function textOf(event: JsonObject, name: string): string {
  const value = event[name]
  return typeof value === 'string' ? value : ''
}
