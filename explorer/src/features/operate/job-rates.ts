/** How far jobs are, and how fast they go. */
import type { OwnJob } from './data'

export interface Look { readonly at: number; readonly done: number; readonly rate: number | undefined }

const RUNNING = 'running'

export function shareOf({ status, progress }: Pick<OwnJob, 'status' | 'progress'>): number | undefined {
  if (status !== RUNNING || !progress || typeof progress.of !== 'number' || progress.of <= 0) return undefined
  return Math.min(1, progress.done / progress.of)
}

/** Compare with the looks before; a job that has not got on since keeps its look, so that its rate sinks. */
export function rateJobs(jobs: readonly (Pick<OwnJob, 'status' | 'progress'> & { readonly at: string })[], before: ReadonlyMap<string, Look>, now: number): readonly [ReadonlyMap<string, Look>, ReadonlyMap<string, number>] {
  const looks = new Map<string, Look>()
  const rates = new Map<string, number>()
  for (const job of jobs) {
    if (job.status !== RUNNING || !job.progress) continue
    const last = before.get(job.at)
    const { done } = job.progress
    const seconds = last === undefined ? 0 : (now - last.at) / 1000
    if (last === undefined || done < last.done || seconds < 1) { looks.set(job.at, last !== undefined && done >= last.done ? last : { at: now, done, rate: undefined }); if (last?.rate !== undefined) rates.set(job.at, last.rate); continue }
    const rate = (done - last.done) / seconds
    looks.set(job.at, done === last.done ? { ...last, rate } : { at: now, done, rate })
    rates.set(job.at, rate)
  }
  return [looks, rates]
}
