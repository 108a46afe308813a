import type { ReactNode } from 'react'
import { formatNumber, t } from '@/text/text'
import { type Limit, useList } from './data'
import { bytes, Part } from './Part'

const NEAR = 0.8

function valueText(limit: Limit, value: number): string { return limit.unit === 'bytes' ? bytes(value) : limit.unit === 'count' ? formatNumber(value) : `${formatNumber(value)} ${limit.unit}` }

/** Every limit with its setting, and what is used of it. */
export function Limits(): ReactNode {
  const limits = useList<Limit>('/kastor/v1/limits', { every: 10_000 })
  return (
    <Part title={t('operate.limits')} query={limits} empty={t('operate.no-limits')}>
      {(rows) => (
        <table className="operate-table" data-testid="operate.limits">
          <thead><tr><th>{t('operate.setting')}</th><th>{t('operate.of')}</th><th className="right">{t('operate.used')}</th><th className="right">{t('operate.limit')}</th><th>{t('operate.meaning')}</th></tr></thead>
          <tbody>{rows.map((limit) => {
            const share = limit.used !== undefined && limit.value !== null && limit.value > 0 ? limit.used / limit.value : undefined
            return (
              <tr key={limit.name + limit.of}>
                <td><code>{limit.name}</code></td><td>{limit.of}</td>
                <td className="right num">{limit.used === undefined ? '' : valueText(limit, limit.used)}{share !== undefined && <meter className={share > NEAR ? 'near' : ''} min={0} max={1} value={Math.min(1, share)} aria-label={limit.name} />}</td>
                <td className="right num">{limit.value === null ? t('operate.none') : valueText(limit, limit.value)}</td><td className="secondary">{limit.description}</td>
              </tr>
            )
          })}</tbody>
        </table>
      )}
    </Part>
  )
}
