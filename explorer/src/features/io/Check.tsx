import { useQueryClient } from '@tanstack/react-query'
import { type ReactNode, useEffect, useState } from 'react'
import { asApiError } from '@/api/errors'
import { useGraph } from '@/state/graph'
import { useGoing } from '@/state/url'
import { formatNumber, t } from '@/text/text'
import { Button } from '@/ui/button'
import { CheckIcon, DownloadIcon, GraphIcon, ImportIcon, StopIcon } from '@/ui/icons'
import { toast } from '@/ui/toasts'
import { saveBlob } from '@/ui/download'
import { countImport, type Graph } from './graph'
import { beginImport, cancelImport, hasEnded, type ImportJob, type Report, useImportJob, useReport } from './jobs'

const MOST_SHOWN = 500
const MOST_COUNTED = 50_000_000

interface CheckProps {
  readonly name: string
  readonly body: Blob | string
  readonly graph: Graph | undefined
  /** By line of the body: where it came from. */
  readonly origins: ReadonlyMap<number, string> | undefined
}

/** Check without changing anything, then run; both say what became of each line. */
export function Check({ name, body, graph, origins }: CheckProps): ReactNode {
  const { name: open } = useGraph()
  const client = useQueryClient()
  const going = useGoing()
  const [check, setCheck] = useState<string>()
  const [run, setRun] = useState<string>()
  const id = run ?? check
  const job = useImportJob(id)
  const report = useReport(id, hasEnded(job.data))
  const counts = useCounts(body, graph)
  const begin = async (dryRun: boolean): Promise<void> => {
    try {
      const begun = await beginImport(open, body, dryRun)
      if (dryRun) { setRun(undefined); setCheck(begun) } else setRun(begun)
    } catch (error) {
      toast({ kind: 'error', text: asApiError(error).message })
    }
  }
  const ended = hasEnded(job.data)
  useEffect(() => {
    if (run === undefined || !ended) return
    void client.invalidateQueries({ queryKey: [open] })
  }, [run, ended, client, open])
  const busy = id !== undefined && !ended
  return (
    <section className="card io-check" aria-label={name} data-testid="io.check" data-state={run !== undefined ? (ended ? 'done' : 'running') : check !== undefined ? (ended ? 'checked' : 'checking') : 'read'}>
      <p className="io-counts num">{(['models', 'twins', 'relationships'] as const).map((each) => <span key={each}><b data-testid={`io.count.${each}`}>{counts ? formatNumber(counts[each]) : '…'}</b> {t(`io.${each}`)}</span>)}</p>
      {graph && graph.faults.length > 0 && <Faults title={t('io.unread', { n: graph.faults.length })} rows={graph.faults.map((fault) => ({ from: fault.from, text: fault.text, error: true }))} />}
      <div className="row">
        <Button icon={CheckIcon} disabled={busy} onClick={() => { void begin(true) }} data-testid="io.check-button">{t('io.check')}</Button>
        <Button look="main" icon={ImportIcon} disabled={busy || (run !== undefined && ended)} onClick={() => { void begin(false) }} data-testid="io.run">{t('io.run')}</Button>
        {busy && id !== undefined && <Button icon={StopIcon} onClick={() => { void cancelImport(open, id) }}>{t('ui.cancel')}</Button>}
        {run !== undefined && ended && <Button icon={GraphIcon} onClick={() => { going.go({ screen: 'graph', parameters: {} }) }}>{t('io.see')}</Button>}
      </div>
      {job.data && <Progress job={job.data} isRun={run !== undefined} />}
      {report.data && <Reported rows={report.data} origins={origins} name={name} />}
    </section>
  )
}

function useCounts(body: Blob | string, graph: Graph | undefined): ReturnType<typeof countImport> | undefined {
  const [counts, setCounts] = useState<ReturnType<typeof countImport>>()
  useEffect(() => {
    let current = true
    if (graph) setCounts({ models: graph.models.length, twins: graph.twins.length, relationships: graph.relationships.length })
    else if (body instanceof Blob && body.size < MOST_COUNTED) void body.text().then((text) => { if (current) setCounts(countImport(text)) })
    return () => { current = false }
  }, [body, graph])
  return counts
}

function Progress({ job, isRun }: { job: ImportJob; isRun: boolean }): ReactNode {
  const tone = job.status === 'succeeded' ? 'ok' : job.status === 'failed' ? 'danger' : ''
  const text = !hasEnded(job) ? t(isRun ? 'io.running' : 'io.checking') : job.status === 'succeeded' ? t(isRun ? 'io.imported' : 'io.would-import') : job.error?.message ?? job.status
  return (
    <div className="io-progress" role="status" data-testid="io.progress">
      <p className="row"><span className={`tag ${tone}`}>{job.status}</span><span>{text}</span></p>
      {job.progress?.of !== undefined && !hasEnded(job) && <progress max={job.progress.of} value={job.progress.done} aria-label={t('io.running')} />}
      {job.counts && <p className="secondary num">{Object.entries(job.counts).map(([name, value]) => `${name} ${formatNumber(value)}`).join(' · ')}</p>}
    </div>
  )
}

function Reported({ rows, origins, name }: { rows: readonly Report[]; origins: CheckProps['origins']; name: string }): ReactNode {
  if (rows.length === 0) return null
  const shown = rows.map((row) => ({ from: [row.line === undefined ? '' : origins?.get(row.line) ?? t('io.line', { line: row.line }), row.id].filter((each) => each !== '').join(' · '), text: row.text, error: row.kind === 'Error' }))
  const download = (): void => { saveBlob(new Blob([shown.map((row) => `${row.error ? 'error' : 'warning'}\t${row.from}\t${row.text}`).join('\n')], { type: 'text/tab-separated-values' }), `${name}.report.tsv`) }
  return <Faults title={t('io.report', { n: rows.length })} rows={shown} action={<Button look="quiet" icon={DownloadIcon} onClick={download}>{t('io.download-report')}</Button>} />
}

function Faults({ title, rows, action }: { title: string; rows: readonly { readonly from: string; readonly text: string; readonly error: boolean }[]; action?: ReactNode }): ReactNode {
  return (
    <div className="io-faults" data-testid="io.faults">
      <div className="row"><h3 className="grow">{title}</h3>{action}</div>
      <ul className="scroll" tabIndex={0} aria-label={title}>{rows.slice(0, MOST_SHOWN).map((row, index) => <li key={index}><code>{row.from}</code><span className={row.error ? 'io-error' : 'secondary'}>{row.text}</span></li>)}</ul>
    </div>
  )
}
