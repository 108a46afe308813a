import { type ReactNode, useEffect, useState } from 'react'
import { writeJson } from '@/api/json'
import { useGraph, useMay } from '@/state/graph'
import { formatNumber, t } from '@/text/text'
import { Button } from '@/ui/button'
import { ExplainIcon, IndexIcon, WarnIcon } from '@/ui/icons'
import { Empty, Failed, Waiting } from '@/ui/states'
import { adviceOf, type Explained, type Explaining, isOf } from './explains'

/** What the engine does for a query, what would help, and what it did before that. */
export function ExplainView({ explaining, text, onBuild, onRetry }: { explaining: Explaining | undefined; text: string; onBuild: (property: string) => void; onRetry: () => void }): ReactNode {
  const { at } = useGraph()
  if (!explaining && text === '') return <Empty text={t('query.ready')} />
  if (!explaining || (explaining.state === 'running' && !explaining.now)) return <Waiting what={t('query.what-explain')} rows={8} />
  const { now, before, built } = explaining
  return (
    <div className="query-explain scroll" data-testid="query.explain">
      {explaining.state === 'done' && !isOf(explaining, text, at) && text !== '' && <p className="query-advice warn"><WarnIcon size={14} aria-hidden /><span className="grow">{t('query.explain-old')}</span><Button onClick={onRetry}>{t('query.explain-again')}</Button></p>}
      {explaining.error && <Failed error={explaining.error} onRetry={onRetry} compact />}
      {now && (
        <>
          <Advice explaining={explaining} now={now} onBuild={onBuild} />
          <div className={before ? 'query-plans two' : 'query-plans'}>
            {before && <Plan title={t('query.before')} plan={before} />}
            <Plan title={before ? t('query.after', { path: built ?? '' }) : t('query.steps')} plan={now} {...(before && { than: before })} />
          </div>
          <details className="query-sql">
            <summary>{t('query.sql')}</summary>
            <pre className="mono" tabIndex={0}>{now.sql}</pre>
            {now.parameters.length > 0 && <ol className="query-parameters mono">{now.parameters.map((value, index) => <li key={index}><span className="hint mono">{`?${index + 1}`}</span> {writeJson(value)}</li>)}</ol>}
          </details>
        </>
      )}
    </div>
  )
}

function Advice({ explaining, now, onBuild }: { explaining: Explaining; now: Explained; onBuild: (property: string) => void }): ReactNode {
  const may = useMay()
  const { building, built } = explaining
  return (
    <>
      {now.warnings.map((text) => <p key={text} className="query-advice warn"><WarnIcon size={14} aria-hidden /><span className="grow">{text}</span></p>)}
      {building && <p className="query-advice" role="status"><IndexIcon size={14} aria-hidden /><span className="grow">{t('query.building', { path: building.path })}</span><Elapsed since={building.since} /></p>}
      {!building && built !== undefined && <p className="query-advice ok" role="status" data-testid="query.explain.built"><IndexIcon size={14} aria-hidden /><span className="grow">{t('query.built', { path: built })}</span></p>}
      {!building && now.advice.map((text) => {
        const property = adviceOf(text)
        return (
          <p key={text} className="query-advice" data-testid="query.explain.advice">
            <IndexIcon size={14} aria-hidden />
            <span className="grow">{property === undefined ? text : t('query.advice', { path: property })}</span>
            {property !== undefined && may('kastor/indexes/write') && <Button look="main" icon={IndexIcon} onClick={() => { onBuild(property) }} data-testid={`query.explain.build.${property}`}>{t('query.build')}</Button>}
          </p>
        )
      })}
    </>
  )
}

/** The server answers when an index stands: until then the time tells that it goes on. */
function Elapsed({ since }: { since: number }): ReactNode {
  const [now, setNow] = useState(since)
  useEffect(() => {
    const timer = setInterval(() => { setNow(Date.now()) }, 200)
    return () => { clearInterval(timer) }
  }, [])
  return <><progress className="query-progress" aria-label={t('query.build')} /><span className="num secondary">{t('query.seconds', { s: formatNumber((now - since) / 1000, { minimumFractionDigits: 1, maximumFractionDigits: 1 }) })}</span></>
}

function Plan({ title, plan, than }: { title: string; plan: Explained; than?: Explained }): ReactNode {
  const known = new Set(than?.steps.map((step) => step.text))
  return (
    <section className="query-plan">
      <header className="row"><ExplainIcon size={14} aria-hidden /><h2 className="grow">{title}</h2><span className="secondary num">{t('query.first-page', { n: plan.rows, ms: formatNumber(plan.milliseconds, { maximumFractionDigits: 3 }) })}</span></header>
      <ol className="query-steps mono" data-testid="query.explain.steps">
        {plan.steps.map((step, index) => (
          <li key={index} className={`${step.isScan ? 'scan' : ''}${than && !known.has(step.text) ? ' fresh' : ''}`} style={{ paddingLeft: 8 + step.depth * 16 }}>
            <span className="hint num query-step-number">{index + 1}</span>
            <span className="grow">{step.text}</span>
            {step.isScan && <span className="tag warn">{t('query.scan')}</span>}
          </li>
        ))}
      </ol>
    </section>
  )
}
