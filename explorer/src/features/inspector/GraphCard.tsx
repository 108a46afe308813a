import { useQuery } from '@tanstack/react-query'
import { type ReactNode, useEffect, useMemo, useState } from 'react'
import { Link } from 'wouter'
import { asApiError } from '@/api/errors'
import { isObject } from '@/api/json'
import { queryPages } from '@/api/pages'
import type { ResolvedModel } from '@/dtdl/model'
import type { Models } from '@/dtdl/models'
import { useGraph, useMay, useModels, useStatus } from '@/state/graph'
import { useLive } from '@/state/live'
import { lookOf } from '@/state/looks'
import { isTest, useGoing } from '@/state/url'
import { formatNumber, t } from '@/text/text'
import { Button } from '@/ui/button'
import { AddIcon } from '@/ui/icons'
import { MarkIcon } from '@/ui/mark'
import { Failed } from '@/ui/states'
import { openDialog } from '@/parts/dialogs'
import { useDraftedTwins } from '@/parts/drafts'
import { TwinChip } from '@/parts/TwinChip'
import { useTwins } from '@/parts/twins'
import { Ago } from './Header'
import { Section } from './Section'
import { suggestions } from './suggestions'

const TOP = 5
const MOST_DRAFTS = 20
const WINDOW_MS = 60_000
const TICK_MS = 2000

function useCounts(): ReadonlyMap<string, number> {
  const { name, at, generation } = useGraph()
  const may = useMay()
  const { data } = useQuery({
    queryKey: [name, 'counts-by-model', at, generation], enabled: may('query/action'), staleTime: 10_000,
    queryFn: async ({ signal }) => {
      const counts = new Map<string, number>()
      for await (const { data: page } of queryPages(name, { query: 'SELECT T.$metadata.$model AS model, COUNT() AS n FROM DIGITALTWINS T GROUP BY T.$metadata.$model', signal, at })) {
        for (const row of page.value) if (isObject(row) && typeof row['model'] === 'string' && typeof row['n'] === 'number') counts.set(row['model'], row['n'])
      }
      return counts
    },
  })
  return data ?? new Map()
}

/** Which twins changed most in the last minute, since the page is open. */
function useBusy(): { readonly perMinute: number; readonly top: readonly (readonly [string, number])[] } {
  const { feed } = useGraph()
  const [busy, setBusy] = useState<{ perMinute: number; top: readonly (readonly [string, number])[] }>({ perMinute: 0, top: [] })
  useEffect(() => {
    const events: { id: string; at: number }[] = []
    const off = feed.listen((batch) => {
      for (const { event, arrived } of batch) if (event.subject !== undefined && !event.subject.includes('/')) events.push({ id: event.subject, at: arrived })
    })
    const timer = setInterval(() => {
      const from = Date.now() - WINDOW_MS
      while ((events[0]?.at ?? Infinity) < from) events.shift()
      const counts = new Map<string, number>()
      for (const { id } of events) counts.set(id, (counts.get(id) ?? 0) + 1)
      if (!isTest) setBusy({ perMinute: events.length, top: [...counts].sort(([, one], [, other]) => other - one).slice(0, TOP) })
    }, TICK_MS)
    return () => { off(); clearInterval(timer) }
  }, [feed])
  return busy
}

function familiesOf(models: Models, counts: ReadonlyMap<string, number>): readonly { readonly id: string; readonly count: number }[] {
  return models.families.map((id) => ({ id, count: models.modelsOf(id).reduce((sum, model) => sum + (counts.get(model) ?? 0), 0) })).filter((each) => each.count > 0).sort((one, other) => other.count - one.count)
}

function newest(models: Models): readonly ResolvedModel[] {
  return [...models.all].sort((one, other) => other.uploadTime.localeCompare(one.uploadTime)).slice(0, 3)
}

/** What the graph is, while nothing in it is chosen (design 2.3). */
export function GraphCard(): ReactNode {
  const { name } = useGraph()
  const models = useModels()
  const status = useStatus()
  const may = useMay()
  const counts = useCounts()
  const { go, href } = useGoing()
  const { rate } = useLive()
  const busy = useBusy()
  const families = familiesOf(models, counts)
  const queries = useMemo(() => suggestions(models, counts), [models, counts])
  const drafted = [...useDraftedTwins(name)].slice(0, MOST_DRAFTS)
  useTwins(useMemo(() => busy.top.map(([id]) => id), [busy]))
  return (
    <div className="in-view scroll" data-testid="inspector.graph">
      <header className="in-header">
        <div className="row in-model"><span className="mono">{t('inspector.graph')}</span></div>
        <h2 className="in-title" tabIndex={-1}>{name}</h2>
        {status.data && <div className="row in-id secondary num">{t('frame.twins', { n: status.data.counts.twins })} · {t('frame.relationships', { n: status.data.counts.relationships })} · {t('inspector.models', { n: status.data.counts.models })}</div>}
      </header>
      {status.error && <Failed compact error={asApiError(status.error)} onRetry={() => { void status.refetch() }} />}
      {families.length > 0 && (
        <Section title={t('inspector.things')}>
          {families.map(({ id, count }) => (
            <div key={id} className="in-tie"><MarkIcon look={{ ...lookOf(models, id), shape: 'square', hole: false }} /><Link href={href({ screen: 'models', rest: [id] })} className="twin-link cut">{models.name(id)}</Link><span className="grow" /><span className="num secondary">{formatNumber(count)}</span></div>
          ))}
        </Section>
      )}
      <Section title={t('inspector.changing')} note={t('inspector.per-minute', { n: busy.perMinute || Math.round(rate * 60) })}>
        {busy.top.map(([id, count]) => <div key={id} className="in-tie"><TwinChip id={id} plain /><span className="grow" /><span className="num secondary">{t('inspector.times', { n: count })}</span></div>)}
        {busy.top.length === 0 && <p className="hint in-none">{t(rate > 0 ? 'inspector.listening' : 'inspector.quiet')}</p>}
      </Section>
      {drafted.length > 0 && <Section title={t('inspector.unsaved')} testId="inspector.drafts">{drafted.map((id) => <div key={id} className="in-tie"><TwinChip id={id} plain /></div>)}</Section>}
      {may('query/action') && queries.length > 0 && (
        <Section title={t('inspector.ask')}>
          {queries.map((each) => (
            <button key={each.query} type="button" className="in-ask" title={each.query} onClick={() => { go({ screen: 'query', parameters: { q: each.query } }) }} data-testid={`inspector.ask.${each.kind}`}>{t(`inspector.ask-${each.kind}`, each.values)}</button>
          ))}
        </Section>
      )}
      {models.all.length > 0 && (
        <Section title={t('inspector.newest-models')}>
          {newest(models).map((model) => <div key={model.id} className="in-tie"><MarkIcon look={lookOf(models, model.id)} /><span className="cut">{models.name(model.id)}</span><span className="grow" /><span className="hint"><Ago time={model.uploadTime} /></span></div>)}
        </Section>
      )}
      {may('digitaltwins/write') && models.all.length > 0 && <div className="in-foot"><Button icon={AddIcon} onClick={() => { openDialog({ kind: 'create-twin' }) }} data-testid="inspector.create">{t('inspector.create-twin')}</Button></div>}
    </div>
  )
}

