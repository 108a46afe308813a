import type { ReactNode } from 'react'
import { path, send } from '@/api/http'
import { formatNumber, t } from '@/text/text'
import { Button } from '@/ui/button'
import { ErrorIcon, OkIcon, OutIcon } from '@/ui/icons'
import { useAsking } from './data'

interface Trial { readonly delivered: boolean; readonly seconds: number; readonly error: string | null; readonly worthRepeating: boolean }

/** Send one event that says it is a test, and tell what came of it. */
export function EndpointTest({ name }: { name: string }): ReactNode {
  const { busy, answer, error, ask } = useAsking<Trial>()
  const why = error?.message ?? answer?.error ?? undefined
  return (
    <div className="operate-test">
      <Button icon={OutIcon} disabled={busy} onClick={() => { ask((graph, signal) => send<Trial>(graph, { method: 'POST', path: path('/kastor/v1/endpoints/{name}/test', { name }), signal })) }} data-testid={`operate.endpoint.${name}.test`}>{t(busy ? 'operate.testing' : 'operate.test')}</Button>
      <p role="status" className="grow" data-testid={`operate.endpoint.${name}.tested`} data-delivered={answer?.delivered}>
        {answer?.delivered === true && <span className="row operate-good"><OkIcon size={14} aria-hidden />{t('operate.test-taken', { s: formatNumber(answer.seconds, { maximumFractionDigits: 3 }) })}</span>}
        {why !== undefined && <span className="operate-fault"><ErrorIcon size={14} aria-hidden /><span>{error ? why : t('operate.test-failed', { error: why })}</span></span>}
        {answer?.worthRepeating === true && <span className="hint">{t('operate.test-again')}</span>}
      </p>
    </div>
  )
}
