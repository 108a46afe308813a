import { type ReactNode, useState } from 'react'
import { type JsonObject, writeJson } from '@/api/json'
import { useMay } from '@/state/graph'
import { formatNumber, t } from '@/text/text'
import { Button } from '@/ui/button'
import { Confirm } from '@/ui/dialog'
import { DeleteIcon, RetryIcon } from '@/ui/icons'
import { type Column, Table } from '@/ui/table'
import { useAct, useOne } from './data'
import { when } from './Part'
import { routePath } from './Routes'

interface DeadLetter { readonly key: number; readonly died: string; readonly attempts: number; readonly error: string; readonly requeued: boolean; readonly event: JsonObject }
interface Letters { readonly value: readonly DeadLetter[]; readonly after: number | null }

/** What a route could not deliver: requeue or delete one, the chosen, or all. */
export function DeadLetters({ route, count }: { route: string; count: number }): ReactNode {
  const may = useMay()
  const act = useAct()
  const letters = useOne<Letters>(routePath(route, 'deadletters'), { every: 5000, enabled: count > 0 })
  const [chosen, setChosen] = useState<DeadLetter>()
  const [deleting, setDeleting] = useState(false)
  const rows = letters.data?.value ?? []
  const requeue = (keys: readonly number[] | undefined): void => { void act({ method: 'POST', path: routePath(route, 'deadletters/requeue'), query: { key: keys?.map(String) } }, t('operate.requeued')) }
  const columns: readonly Column<DeadLetter>[] = [
    { key: 'time', title: t('operate.time'), width: 170, cell: (letter) => <span className="num">{when(letter.died)}</span> },
    { key: 'subject', title: t('operate.subject'), width: 150, cell: (letter) => <code>{textOf(letter.event, 'subject')}</code> },
    { key: 'attempts', title: t('operate.attempts'), width: 90, align: 'right', cell: (letter) => formatNumber(letter.attempts) },
    { key: 'error', title: t('operate.last-error'), width: 240, cell: (letter) => (letter.requeued ? <span className="tag">{t('operate.is-requeued')}</span> : <span className="operate-error">{letter.error}</span>) },
  ]
  return (
    <div className="operate-letters" data-testid="operate.deadletters">
      <div className="row"><h3 className="grow">{t('operate.dead')} <span className="num">{formatNumber(rows.length)}</span></h3>
        {may('kastor/deadletters/write') && rows.length > 0 && (
          <>
            {chosen && <Button icon={RetryIcon} onClick={() => { requeue([chosen.key]) }}>{t('operate.requeue-one')}</Button>}
            <Button icon={RetryIcon} onClick={() => { requeue(undefined) }} data-testid="operate.requeue">{t('operate.requeue-all')}</Button>
            <Button look="danger" icon={DeleteIcon} onClick={() => { setDeleting(true) }}>{t('operate.delete-all')}</Button>
          </>
        )}
      </div>
      {rows.length === 0 ? <p className="secondary">{t('operate.no-letters')}</p> : <Table label={t('operate.dead')} columns={columns} rows={rows} keyOf={(letter) => String(letter.key)} chosen={chosen === undefined ? undefined : String(chosen.key)} onChoose={setChosen} testId="operate.deadletter" />}
      {chosen && <pre className="operate-json scroll" tabIndex={0}>{writeJson(chosen.event, 2)}</pre>}
      <Confirm open={deleting} title={t('operate.delete-letters')} text={t('operate.delete-letters-text')} act={t('operate.delete-all')} typed={route} onClose={() => { setDeleting(false) }}
        onConfirm={() => { setDeleting(false); void act({ method: 'DELETE', path: routePath(route, 'deadletters') }) }} />
    </div>
  )
}

function textOf(event: JsonObject, name: string): string {
  const value = event[name]
  return typeof value === 'string' ? value : ''
}
