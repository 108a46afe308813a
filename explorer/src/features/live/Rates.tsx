import type { ReactNode } from 'react'
import { type EventLog, KINDS } from '@/state/eventlog'
import { selecting, useGoing } from '@/state/url'
import { formatNumber, t } from '@/text/text'

const SECONDS = 5
const SLOTS = 120
const HEIGHT = 48
const TOP = 5

/** Events a second over ten minutes, by kind, and the twins that change most. */
export function Rates({ log, version }: { log: EventLog; version: number }): ReactNode {
  const { adjust } = useGoing()
  const { buckets } = log
  const last = buckets.at(-1)?.at ?? 0
  const totals = buckets.map((each) => KINDS.reduce((sum, kind) => sum + each.counts[kind], 0))
  const most = Math.max(1, ...totals)
  const top = log.top(TOP)
  return (
    <div className="live-rates" data-version={version}>
      <figure>
        <figcaption className="hint">{t('live.rates', { rate: formatNumber(most / SECONDS, { maximumFractionDigits: 1 }) })}</figcaption>
        <svg viewBox={`0 0 ${SLOTS * 4} ${HEIGHT}`} preserveAspectRatio="none" role="img" aria-label={t('live.rates', { rate: formatNumber(most / SECONDS, { maximumFractionDigits: 1 }) })}>
          {buckets.map((bucket) => {
            const x = (SLOTS - 1 - (last - bucket.at) / (SECONDS * 1000)) * 4
            let y = HEIGHT
            return KINDS.map((kind) => {
              const height = (bucket.counts[kind] / most) * HEIGHT
              y -= height
              return height > 0 && <rect key={`${bucket.at}${kind}`} className={`live-bar ${kind}`} x={x} y={y} width={3} height={height} />
            })
          })}
        </svg>
      </figure>
      <ol className="live-top" aria-label={t('live.top')}>
        {top.map(([id, count]) => <li key={id}><button type="button" className="live-link cut" onClick={() => { adjust(selecting([id])) }}>{id}</button><span className="num secondary">{formatNumber(count)}</span></li>)}
      </ol>
    </div>
  )
}
