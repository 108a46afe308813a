import { useQuery, type UseQueryResult } from '@tanstack/react-query'
import { type ReactNode, useEffect, useRef, useState } from 'react'
import { open } from '@/api/http'
import { formatNumber, t } from '@/text/text'
import { Sparkline } from '@/ui/sparkline'
import { type Load as LoadNow, loadOf, parseMetrics, type Rate, rateBetween } from './metrics'

const EVERY_MS = 10_000
const MOST = 90

export interface Looked extends LoadNow { readonly at: number }

/** What `/metrics` says, every ten seconds. */
export function useMetrics(enabled: boolean): UseQueryResult<Looked> {
  return useQuery({
    queryKey: ['metrics'], refetchInterval: EVERY_MS, gcTime: 0, enabled,
    queryFn: async ({ signal }) => {
      const response = await open('default', { path: '/metrics', headers: { accept: 'text/plain' }, signal })
      return { at: Date.now(), ...loadOf(parseMetrics(await response.text())) }
    },
  })
}

/** Requests and their time since this picture is open. */
export function Load({ metrics }: { metrics: UseQueryResult<Looked> }): ReactNode {
  const before = useRef(metrics.data)
  const [rates, setRates] = useState<readonly Rate[]>([])
  useEffect(() => {
    const { data } = metrics
    if (data && before.current && before.current !== data) {
      const rate = rateBetween(before.current, data)
      setRates((all) => [...all, rate].slice(-MOST))
    }
    before.current = data
  }, [metrics.data])
  const last = rates.at(-1)
  const lines = [
    ['operate.requests', rates.map((each) => ({ at: each.at, value: each.perSecond })), last === undefined ? '' : formatNumber(last.perSecond, { maximumFractionDigits: 1 })],
    ['operate.latency', rates.map((each) => ({ at: each.at, value: each.milliseconds })), last === undefined ? '' : `${formatNumber(last.milliseconds, { maximumFractionDigits: 2 })} ms`],
  ] as const
  return (
    <div className="operate-load">
      {lines.map(([name, points, value]) => (
        <figure key={name} className="card operate-line"><figcaption className="row"><span className="hint grow">{t(name)}</span><span className="num">{value}</span></figcaption>
          {points.length < 2 ? <p className="hint">{t('operate.gathering')}</p> : <Sparkline points={points} label={t(name)} width={360} height={56} />}</figure>
      ))}
    </div>
  )
}
