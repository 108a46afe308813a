import type { ReactNode } from 'react'
import { Link } from 'wouter'
import { asApiError } from '@/api/errors'
import { useMay } from '@/state/graph'
import { useGoing } from '@/state/url'
import { t } from '@/text/text'
import { Button } from '@/ui/button'
import { GraphIcon } from '@/ui/icons'
import { Failed } from '@/ui/states'
import { hasEnded, useImportJob, useLastImports, useReport } from './jobs'
import { CancelButton, Progress, Tiles, toneOf } from './Progress'
import { Reported } from './Report'

/** An import that was begun elsewhere or before the page was opened: how far it is, and its report. */
export function JobCard({ id }: { id: string }): ReactNode {
  const going = useGoing()
  const job = useImportJob(id)
  const ended = hasEnded(job.data)
  const report = useReport(id, ended)
  if (job.error) return <Failed error={asApiError(job.error)} compact />
  if (!job.data) return null
  const isRun = job.data.dryRun !== true
  return (
    <section className="card io-check" aria-label={t('io.begun')} data-testid="io.job" data-state={ended ? 'done' : 'running'}>
      <div className="row"><h2 className="grow cut">{t('io.begun')}</h2><code className="cut">{id}</code></div>
      <Progress job={job.data} isRun={isRun} />
      {job.data.counts && <Tiles counts={job.data.counts} newModels={undefined} isRun={isRun} />}
      <div className="row">
        {!ended && <CancelButton id={id} />}
        {ended && isRun && <Button icon={GraphIcon} onClick={() => { going.go({ screen: 'graph', parameters: {} }) }}>{t('io.see')}</Button>}
      </div>
      {report.data && <Reported rows={report.data} origins={undefined} name={id} />}
    </section>
  )
}

/** The imports of this graph that were begun last. */
export function LastImports(): ReactNode {
  const going = useGoing()
  const may = useMay()
  const jobs = useLastImports(may('jobs/read'))
  if (!jobs.data || jobs.data.length === 0) return null
  return (
    <section className="io-last" aria-label={t('io.last')}>
      <h3>{t('io.last')}</h3>
      <ul data-testid="io.last">
        {jobs.data.map((job) => (
          <li key={job.id} className="row">
            <span className={`tag ${toneOf(job)}`}>{job.status}</span>
            <span className="num secondary">{job.createdDateTime?.slice(0, 19).replace('T', ' ')}</span>
            <Link href={going.href({ screen: 'io', rest: ['import', job.id] })} className="cut mono">{job.id}</Link>
          </li>
        ))}
      </ul>
    </section>
  )
}
