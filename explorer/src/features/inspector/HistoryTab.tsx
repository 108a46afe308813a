import { useInfiniteQuery } from '@tanstack/react-query'
import { type ReactNode, useMemo, useState } from 'react'
import { asApiError } from '@/api/errors'
import { send } from '@/api/http'
import type { JsonObject } from '@/api/json'
import { nextCall } from '@/api/pages'
import { useGraph } from '@/state/graph'
import { useGoing } from '@/state/url'
import { t } from '@/text/text'
import { Button } from '@/ui/button'
import { Dialog } from '@/ui/dialog'
import { CompareIcon, HistoryIcon, LiveIcon, RetryIcon } from '@/ui/icons'
import { Empty, Failed, Waiting } from '@/ui/states'
import { formatSubject, historyPath, type Subject } from '@/parts/subject'
import { differences, type Path, valueAt } from '@/parts/values/patch'
import { showValue } from '@/parts/values/show'
import type { Version } from './useLively'
import { authorOf, wayOf } from './ways'

const PAGE = 50
const MOST_VALUES = 6

interface Versions { readonly value: readonly Version[]; readonly nextLink: string | null }

function useVersions(subject: Subject): ReturnType<typeof useInfiniteQuery<Versions, Error, { pages: Versions[] }, readonly unknown[], string | undefined>> {
  const { name, at, generation } = useGraph()
  return useInfiniteQuery({
    queryKey: [name, 'history', formatSubject(subject), 'all', at, generation],
    initialPageParam: undefined as string | undefined,
    queryFn: async ({ signal, pageParam }) => {
      const call = pageParam === undefined ? { path: historyPath(subject), query: { order: 'desc', limit: PAGE, ...(at !== undefined && { to: at }) } } : nextCall(name, pageParam)
      return (await send<Versions>(name, { ...call, signal })).data
    },
    getNextPageParam: (last) => last.nextLink ?? undefined,
  })
}

function isServers(path: Path): boolean { return path.some((part) => part.startsWith('$')) }

/** What a version has otherwise than the one before it. */
function changesOf(before: JsonObject | undefined, after: JsonObject | undefined): readonly Path[] {
  return before && after ? differences(before, after, isServers) : []
}

/** Every version: when, by whom, and what it changed; two are compared (design 5.4). */
export function HistoryTab({ subject, updated }: { subject: Subject; updated: string | undefined }): ReactNode {
  const query = useVersions(subject)
  const { go } = useGoing()
  const [chosen, setChosen] = useState<readonly number[]>([])
  const [compared, setCompared] = useState(false)
  const versions = useMemo(() => (query.data?.pages ?? []).flatMap((page) => page.value), [query.data])
  if (query.error) return <Failed error={asApiError(query.error)} onRetry={() => { void query.refetch() }} />
  if (query.isPending) return <Waiting what={t('inspector.history')} />
  if (versions.length === 0) return <Empty text={t('inspector.no-history')} />
  const pick = (version: number): void => { setChosen((before) => (before.includes(version) ? before.filter((each) => each !== version) : [...before, version].slice(-2))) }
  const pair = versions.filter((each) => chosen.includes(each.version)).sort((one, other) => one.version - other.version)
  const newer = updated !== undefined && versions[0]?.from !== updated
  return (
    <div className="in-history" data-testid="inspector.history">
      <div className="row in-foot">
        <Button icon={CompareIcon} disabled={pair.length !== 2} onClick={() => { setCompared(true) }} data-testid="inspector.history.compare">{pair.length === 2 ? t('inspector.compare') : t('inspector.compare-hint')}</Button>
        {subject.kind === 'twin' && <Button look="quiet" icon={LiveIcon} onClick={() => { go({ screen: 'history', parameters: { twin: subject.id } }) }} data-testid="inspector.history.charts">{t('inspector.charts')}</Button>}
        {newer && <Button look="quiet" icon={RetryIcon} onClick={() => { void query.refetch() }}>{t('inspector.newer')}</Button>}
      </div>
      <ol className="in-versions">
        {versions.map((each, index) => <VersionRow key={each.version} version={each} before={versions[index + 1]} isLast={index === versions.length - 1 && !query.hasNextPage} picked={chosen.includes(each.version)} onPick={() => { pick(each.version) }} />)}
      </ol>
      {query.hasNextPage && <Button look="quiet" disabled={query.isFetchingNextPage} onClick={() => { void query.fetchNextPage() }}>{t('inspector.older')}</Button>}
      {compared && pair[0] && pair[1] && <Comparison one={pair[0]} other={pair[1]} onClose={() => { setCompared(false) }} />}
    </div>
  )
}

function VersionRow({ version, before, isLast, picked, onPick }: { version: Version; before: Version | undefined; isLast: boolean; picked: boolean; onPick: () => void }): ReactNode {
  const { adjust } = useGoing()
  const paths = useMemo(() => changesOf(before?.document, version.document), [before, version])
  const [all, setAll] = useState(false)
  const created = version.document && (isLast || before?.deleted === true)
  return (
    <li className="in-version" data-testid={`inspector.version.${version.version}`}>
      <div className="row">
        <input type="checkbox" checked={picked} disabled={version.deleted === true} onChange={onPick} aria-label={t('inspector.choose-version', { n: version.version })} />
        <time className="num" dateTime={version.from} title={version.from}>{version.from.slice(0, 19).replace('T', ' ')}</time>
        <span className="grow cut secondary" data-testid="inspector.version.author">{authorOf(version)}</span>
        <span className="in-version-act"><Button look="quiet" icon={HistoryIcon} onClick={() => { adjust({ at: version.from }) }}>{t('inspector.look-back')}</Button></span>
      </div>
      {version.via && <p className="in-change in-way" data-testid="inspector.version.way">{wayOf(version.via)}</p>}
      {version.deleted === true && <p className="in-change in-gone">{t('inspector.was-deleted')}</p>}
      {created === true && <p className="in-change in-new">{isLast ? t('inspector.oldest-kept') : t('inspector.was-created')}</p>}
      {paths.slice(0, all ? undefined : MOST_VALUES).map((path) => (
        <p key={path.join('.')} className="in-change">
          <span className="mono in-change-name">{path.join('.')}</span>
          <span className="in-gone">{showValue(valueAt(before?.document, path)) || t('values.unset')}</span>
          <span aria-hidden>→</span>
          <span className="in-new">{showValue(valueAt(version.document, path)) || t('values.unset')}</span>
        </p>
      ))}
      {paths.length > MOST_VALUES && !all && <Button look="quiet" onClick={() => { setAll(true) }}>{t('inspector.show-more', { n: paths.length - MOST_VALUES })}</Button>}
      {paths.length === 0 && !created && version.deleted !== true && before !== undefined && <p className="in-change hint">{t('inspector.nothing-changed')}</p>}
    </li>
  )
}

function Comparison({ one, other, onClose }: { one: Version; other: Version; onClose: () => void }): ReactNode {
  const paths = changesOf(one.document, other.document)
  const head = (each: Version): string => `${each.from.slice(0, 19).replace('T', ' ')} · ${authorOf(each)}`
  return (
    <Dialog open wide title={t('inspector.compare-title', { n: paths.length })} onClose={onClose} testId="inspector.comparison">
      <table className="in-compare">
        <thead><tr><th scope="col">{t('inspector.property')}</th><th scope="col">{head(one)}</th><th scope="col">{head(other)}</th></tr></thead>
        <tbody>
          {paths.map((path) => (
            <tr key={path.join('.')}><td className="mono">{path.join('.')}</td><td className="in-gone">{showValue(valueAt(one.document, path)) || t('values.unset')}</td><td className="in-new">{showValue(valueAt(other.document, path)) || t('values.unset')}</td></tr>
          ))}
        </tbody>
      </table>
      {paths.length === 0 && <p className="secondary">{t('inspector.nothing-changed')}</p>}
    </Dialog>
  )
}
