import { type ReactNode, useEffect, useMemo, useRef, useState } from 'react'
import { path } from '@/api/http'
import { useMay } from '@/state/graph'
import { formatNumber, t } from '@/text/text'
import { Button, IconButton } from '@/ui/button'
import { CloseIcon, DeleteIcon, StopIcon } from '@/ui/icons'
import { type Column, Table } from '@/ui/table'
import { useQuery } from '@tanstack/react-query'
import { open } from '@/api/http'
import { useGraph } from '@/state/graph'
import { type Job, type OwnJob, useAct, useList } from './data'
import { type Look, rateJobs, shareOf } from './job-rates'
import { Part, when } from './Part'

const TONES: Readonly<Record<string, string>> = { succeeded: 'ok', failed: 'danger', running: '', cancelled: 'warn' }
const ENDED = new Set(['succeeded', 'failed', 'cancelled'])
const MOST_LINES = 500

/** Jobs of the contract have no kind of their own in their form. */
interface JobRow extends Job, Partial<Pick<OwnJob, 'kind' | 'progress' | 'counts'>> { readonly at: string }

function useJobs(): ReturnType<typeof useList<JobRow>> {
  const own = useList<OwnJob>('/kastor/v1/jobs', { every: 3000 })
  const imports = useList<Job>('/jobs/imports', { every: 3000 })
  const deletions = useList<Job>('/jobs/deletions', { every: 3000 })
  const rows = useMemo(() => [
    ...(own.data ?? []).map((job) => ({ ...job, at: path('/kastor/v1/jobs/{kind}/{id}', { kind: kindPath(job.kind), id: job.id }) })),
    ...(imports.data ?? []).map((job) => ({ ...job, kind: 'import', at: path('/jobs/imports/{id}', { id: job.id }) })),
    ...(deletions.data ?? []).map((job) => ({ ...job, kind: 'deletion', at: path('/jobs/deletions/{id}', { id: job.id }) })),
  ].sort((one, other) => other.createdDateTime.localeCompare(one.createdDateTime)), [own.data, imports.data, deletions.data])
  return { ...own, data: own.data && rows } as ReturnType<typeof useList<JobRow>>
}

function kindPath(kind: string | undefined): string { return kind === 'uploads' ? 'imports' : kind ?? '' }

/** Long work: how far it is, what it counted, its log. */
export function Jobs(): ReactNode {
  const may = useMay()
  const act = useAct()
  const jobs = useJobs()
  const rates = useRates(jobs.data)
  const [chosen, setChosen] = useState<string>()
  const columns: readonly Column<JobRow>[] = [
    { key: 'status', title: t('operate.state'), width: 110, cell: (job) => <span className={`tag ${TONES[job.status] ?? ''}`}>{job.status}</span> },
    { key: 'kind', title: t('operate.kind'), width: 100, cell: (job) => job.kind ?? '' },
    { key: 'progress', title: t('operate.progress'), width: 240, cell: (job) => <span className="row"><span className="num">{progressText(job)}</span>{shareOf(job) !== undefined && <progress className="operate-progress" aria-label={t('operate.progress')} max={1} value={shareOf(job)} />}</span> },
    { key: 'rate', title: t('operate.rate'), width: 110, align: 'right', cell: (job) => { const rate = rates.get(job.at); return rate === undefined ? '' : t('operate.job-rate', { rate: formatNumber(rate, { maximumFractionDigits: rate < 10 ? 1 : 0 }), unit: job.progress?.unit ?? '' }) } },
    { key: 'created', title: t('operate.created'), width: 200, cell: (job) => <span className="num">{when(job.createdDateTime)}</span> },
    { key: 'id', title: t('operate.name'), width: 160, cell: (job) => <code>{job.id}</code> },
    { key: 'error', title: t('operate.last-error'), width: 260, cell: (job) => <span className="operate-error">{job.error?.message ?? ''}</span> },
  ]
  const opened = jobs.data?.find((job) => job.at === chosen)
  return (
    <Part title={t('operate.jobs')} query={jobs} empty={t('operate.no-jobs')}>
      {(rows) => (
        <div className="operate-split">
          <Table label={t('operate.jobs')} columns={columns} rows={rows} keyOf={(job) => job.at} chosen={chosen} onChoose={(job) => { setChosen(job.at) }} testId="operate.jobs" />
          {opened && (
            <section className="operate-detail" aria-label={opened.id}>
              <div className="row operate-detail-head"><h2 className="cut mono">{opened.id}</h2><span className="grow" />
                {!ENDED.has(opened.status) && opened.at.startsWith('/kastor') && may('kastor/jobs/cancel') && <Button icon={StopIcon} onClick={() => { void act({ method: 'POST', path: `${opened.at}/cancel` }) }}>{t('operate.cancel')}</Button>}
                {ENDED.has(opened.status) && may('kastor/jobs/delete') && <IconButton icon={DeleteIcon} label={t('operate.delete')} onClick={() => { void act({ method: 'DELETE', path: opened.at }); setChosen(undefined) }} />}
                <IconButton icon={CloseIcon} label={t('ui.close')} onClick={() => { setChosen(undefined) }} /></div>
              {opened.counts && <dl className="operate-facts">{Object.entries(opened.counts).flatMap(([name, value]) => [<dt key={name}>{name}</dt>, <dd key={`${name}=`} className="num">{formatNumber(value)}</dd>])}</dl>}
              {opened.at.startsWith('/kastor') && <JobLog at={opened.at} running={!ENDED.has(opened.status)} />}
            </section>
          )}
        </div>
      )}
    </Part>
  )
}

/** How fast a job goes, by two looks at how far it is. */
function useRates(jobs: readonly JobRow[] | undefined): ReadonlyMap<string, number> {
  const looked = useRef<ReadonlyMap<string, Look>>(new Map())
  const [rates, setRates] = useState<ReadonlyMap<string, number>>(new Map())
  useEffect(() => {
    if (!jobs) return
    const [looks, found] = rateJobs(jobs, looked.current, Date.now())
    looked.current = looks
    setRates(found)
  }, [jobs])
  return rates
}

export function progressText(job: Pick<OwnJob, 'progress'>): string {
  const { progress } = job
  if (!progress) return ''
  const of = progress.of === undefined ? '' : ` / ${formatNumber(progress.of)}`
  return `${formatNumber(progress.done)}${of} ${progress.unit}`
}

function JobLog({ at, running }: { at: string; running: boolean }): ReactNode {
  const { name } = useGraph()
  const log = useQuery({
    queryKey: [name, 'operate', at, 'log'], refetchInterval: running ? 3000 : false, retry: false,
    queryFn: async ({ signal }) => (await (await open(name, { path: `${at}/log`, signal, headers: { accept: 'application/x-ndjson, application/json' } })).text()).split('\n').slice(0, MOST_LINES),
  })
  if (!log.data) return null
  return <ol className="operate-log scroll mono" tabIndex={0} aria-label={t('operate.log-of-job')}>{log.data.filter((line) => line !== '').map((line, index) => <li key={index}>{line}</li>)}</ol>
}
