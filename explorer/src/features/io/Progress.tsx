import type { ReactNode } from 'react'
import { asApiError } from '@/api/errors'
import { useGraph, useMay } from '@/state/graph'
import { formatNumber, t } from '@/text/text'
import { Button } from '@/ui/button'
import { StopIcon } from '@/ui/icons'
import { toast } from '@/ui/toasts'
import { cancelImport, hasEnded, type ImportJob } from './jobs'

/** Lines were refused, the rest was taken. */
const PARTLY = 'ImportPartiallyFailed'

/** How far a job is, and how it ended. */
export function Progress({ job, isRun }: { job: ImportJob; isRun: boolean }): ReactNode {
  const ended = hasEnded(job)
  return (
    <div className="io-progress" role="status" data-testid="io.progress">
      <p className="row"><span className={`tag ${toneOf(job)}`}>{job.status}</span><span>{wordsOf(job, isRun)}</span></p>
      {job.progress?.of !== undefined && !ended && <progress max={job.progress.of} value={job.progress.done} aria-label={t(isRun ? 'io.running' : 'io.checking')} />}
    </div>
  )
}

export function toneOf({ status }: ImportJob): string { return status === 'succeeded' ? 'ok' : status === 'failed' ? 'danger' : status === 'cancelled' ? 'warn' : '' }

function wordsOf(job: ImportJob, isRun: boolean): string {
  if (!hasEnded(job)) return t(isRun ? 'io.running' : 'io.checking')
  if (job.status === 'succeeded') return t(isRun ? 'io.imported' : 'io.would-import')
  if (job.error?.code === PARTLY) return t(isRun ? 'io.partly-imported' : 'io.partly-would')
  return job.error?.message ?? (job.status === 'cancelled' ? t(isRun ? 'io.cancelled' : 'io.check-cancelled') : job.status)
}

const TILES = ['new', 'changed', 'unchanged', 'refused'] as const

/** What became of lines, or would. `newModels` where it is known how many of the file's models are new. */
export function outcomeOf(counts: Readonly<Record<string, number>>, newModels: number | undefined): Readonly<Record<(typeof TILES)[number], number>> {
  const of = (name: string): number => counts[name] ?? 0
  const models = Math.min(newModels ?? of('models'), of('models'))
  return {
    new: models + of('twins') + of('relationships') - of('replaced'), changed: of('replaced') - of('unchanged'),
    unchanged: of('unchanged') + of('models') - models, refused: of('errors'),
  }
}

export function Tiles({ counts, newModels, isRun }: { counts: Readonly<Record<string, number>>; newModels: number | undefined; isRun: boolean }): ReactNode {
  const outcome = outcomeOf(counts, newModels)
  return (
    <dl className="io-tiles" aria-label={t(isRun ? 'io.became' : 'io.would-become')} data-testid="io.tiles">
      {TILES.map((each) => <div key={each} className={`io-tile ${each}${outcome[each] > 0 ? ' some' : ''}`}><dt className="secondary">{t(`io.${each}`)}</dt><dd className="num" data-testid={`io.tile.${each}`}>{formatNumber(outcome[each])}</dd></div>)}
      {(counts['warnings'] ?? 0) > 0 && <div className="io-tile"><dt className="secondary">{t('io.remarks')}</dt><dd className="num">{formatNumber(counts['warnings'] ?? 0)}</dd></div>}
    </dl>
  )
}

export function CancelButton({ id }: { id: string }): ReactNode {
  const { name } = useGraph()
  const may = useMay()
  if (!may('kastor/jobs/cancel')) return null
  const cancel = async (): Promise<void> => {
    try {
      await cancelImport(name, id)
    } catch (error) {
      toast({ kind: 'error', text: asApiError(error).message })
    }
  }
  return <Button icon={StopIcon} onClick={() => { void cancel() }} data-testid="io.cancel">{t('ui.cancel')}</Button>
}
