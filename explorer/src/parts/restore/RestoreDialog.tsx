import { useQuery } from '@tanstack/react-query'
import { type ReactNode, useState } from 'react'
import { asApiError } from '@/api/errors'
import { open, path, send } from '@/api/http'
import { DifferenceList } from '@/parts/differences/List'
import { countsOf, readDifferences } from '@/parts/differences/read'
import { useGraph } from '@/state/graph'
import { showInstant } from '@/state/instants'
import { selectionOf, useGoing } from '@/state/url'
import { formatNumber, t } from '@/text/text'
import { Button } from '@/ui/button'
import { Segments } from '@/ui/controls'
import { Dialog } from '@/ui/dialog'
import { Failed, Waiting } from '@/ui/states'
import { toast } from '@/ui/toasts'
import { closeRestore, useRestore } from './store'

const MOST_SHOWN = 1000
const LOOK_EVERY_MS = 700
const ENDED = new Set(['succeeded', 'failed', 'cancelled'])

type Part = 'twin' | 'query' | 'graph'
interface Job { readonly id: string; readonly status: string; readonly progress?: { readonly done: number; readonly of?: number | null }; readonly counts?: Readonly<Record<string, number>>; readonly error?: { readonly message: string } }

/** The way back to an instant: what it would change, then a word to be typed, then the job. */
export default function RestoreDialog(): ReactNode {
  const { to, query } = useRestore()
  if (to === undefined) return null
  return <Restore key={to} to={to} query={query} />
}

function Restore({ to, query }: { to: string; query: string | undefined }): ReactNode {
  const { name } = useGraph()
  const going = useGoing()
  const { q = query, sel, at } = going.place.parameters
  const [twin] = selectionOf(sel === undefined ? {} : { sel }).filter((id) => !id.includes('/'))
  const [part, setPart] = useState<Part>(twin !== undefined ? 'twin' : query !== undefined ? 'query' : 'graph')
  const [typed, setTyped] = useState('')
  const [job, setJob] = useState<string>()
  const [sending, setSending] = useState(false)
  const [refused, setRefused] = useState<unknown>()
  const body = { asOf: to, ...(part === 'twin' && { twin }), ...(part === 'query' && { query: q }) }
  const dry = useQuery({
    queryKey: [name, 'restore', body], gcTime: 0, retry: false, enabled: job === undefined,
    queryFn: async ({ signal }) => readDifferences(await open(name, { method: 'POST', path: '/kastor/v1/revert', body, headers: { 'kastor-dry-run': 'true' }, signal }), MOST_SHOWN),
  })
  const word = part === 'twin' ? twin ?? '' : name
  const run = async (): Promise<void> => {
    setSending(true)
    try {
      setJob((await send<Job>(name, { method: 'POST', path: '/kastor/v1/revert', body })).data.id)
      setRefused(undefined)
    } catch (error) {
      setRefused(error)
    }
    setSending(false)
  }
  const done = (): void => {
    closeRestore()
    if (at !== undefined) going.adjust({ at: undefined })
  }
  const nothing = dry.data?.list.length === 0
  return (
    <Dialog open wide title={t('restore.title', { time: showInstant(to, Date.now(), true) })} description={t('restore.text')} onClose={closeRestore} testId="restore" foot={job === undefined && (
      <>
        <label className="row grow restore-typed"><span className="secondary">{t('ui.type', { text: word })}</span>
          <input className="input mono" value={typed} onChange={(event) => { setTyped(event.target.value) }} autoComplete="off" spellCheck={false} data-testid="restore.typed" /></label>
        <Button onClick={closeRestore}>{t('ui.cancel')}</Button>
        <Button look="danger" disabled={typed !== word || sending || !dry.data || nothing} onClick={() => { void run() }} data-testid="restore.act">{t('restore.act')}</Button>
      </>
    )}>
      {job !== undefined ? <Progress job={job} onDone={done} /> : (
        <>
          <div className="row restore-head">
            <Segments<Part> label={t('restore.part')} value={part} onChange={(next) => { setPart(next); setTyped('') }} testId="restore.part" choices={[
              ...(twin !== undefined ? [{ value: 'twin' as const, text: t('restore.twin', { id: twin }) }] : []),
              ...(q !== undefined ? [{ value: 'query' as const, text: t('restore.query') }] : []),
              { value: 'graph', text: t('restore.graph') },
            ]} />
            <span className="grow" />
            {dry.data && <span className="secondary" role="status" data-testid="restore.counts">{nothing ? t('restore.nothing') : summary(dry.data)}</span>}
          </div>
          {refused !== undefined && <Failed compact error={asApiError(refused)} />}
          {dry.error && <Failed compact error={asApiError(dry.error)} onRetry={() => { void dry.refetch() }} />}
          {dry.isPending && <Waiting what={t('restore.what')} />}
          {dry.data && !nothing && <div className="restore-list column"><DifferenceList list={dry.data.list} testId="restore.list" /></div>}
        </>
      )}
    </Dialog>
  )
}

function summary({ list, more }: { readonly list: Parameters<typeof countsOf>[0]; readonly more: boolean }): string {
  const { added, removed, changed } = countsOf(list)
  return t(more ? 'restore.more' : 'restore.counts', { added, removed, changed })
}

function Progress({ job, onDone }: { job: string; onDone: () => void }): ReactNode {
  const { name } = useGraph()
  const { data, error } = useQuery<Job>({
    queryKey: [name, 'restore-job', job], retry: false, refetchInterval: ({ state }) => (state.data && ENDED.has(state.data.status) ? false : LOOK_EVERY_MS),
    queryFn: async ({ signal }) => (await send<Job>(name, { path: path('/kastor/v1/jobs/reverts/{id}', { id: job }), signal })).data,
  })
  if (error) return <Failed compact error={asApiError(error)} />
  const progress = data?.progress
  const ended = data !== undefined && ENDED.has(data.status)
  return (
    <div className="column restore-progress" data-testid="restore.job" data-status={data?.status}>
      <p role="status">{ended ? t(data.status === 'succeeded' ? 'restore.done' : 'restore.failed') : t('restore.running')}</p>
      <progress aria-label={t('restore.running')} {...(ended ? { value: 1, max: 1 } : progress?.of ? { value: progress.done, max: progress.of } : {})} />
      {data?.counts && <p className="secondary num">{Object.entries(data.counts).map(([what, count]) => `${what} ${formatNumber(count)}`).join(' · ')}</p>}
      {data?.error && <p className="field-error">{data.error.message}</p>}
      {ended && <span className="row"><Button look="main" onClick={() => { if (data.status === 'succeeded') toast({ text: t('restore.done') }); onDone() }} data-testid="restore.close">{t('time.back')}</Button></span>}
    </div>
  )
}
