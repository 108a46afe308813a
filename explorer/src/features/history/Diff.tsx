import { useQuery } from '@tanstack/react-query'
import { type FormEvent, type ReactNode, useEffect, useMemo, useState } from 'react'
import { asApiError } from '@/api/errors'
import { open } from '@/api/http'
import { DifferenceList } from '@/parts/differences/List'
import { countsOf, type Difference, isOnlyTimes, keyOf, marksOf, readDifferences } from '@/parts/differences/read'
import { openRestore } from '@/parts/restore/store'
import { useMayNow, useNow } from '@/parts/time-bar/activity'
import { useGraph } from '@/state/graph'
import { instantOf, readInstant, showInstant } from '@/state/instants'
import { leaveRemoved, showDifferences, showRemoved } from '@/state/shown'
import { formatSelection, selectionOf, useGoing } from '@/state/url'
import { t } from '@/text/text'
import { Button } from '@/ui/button'
import { Switch } from '@/ui/controls'
import { ClockIcon, GraphIcon, RestoreIcon } from '@/ui/icons'
import { Empty, Failed, Waiting } from '@/ui/states'

const MOST_SHOWN = 5000

/** What differs between two instants: a list, and marks on the graph (design 5.6). */
export function Diff(): ReactNode {
  const { name, generation } = useGraph()
  const going = useGoing()
  const { a: writtenA, b: writtenB } = going.place.parameters
  const [a, b] = useMemo(() => [instantOf(writtenA, Date.now()), instantOf(writtenB, Date.now())], [writtenA, writtenB])
  const [times, setTimes] = useState(false)
  const query = useQuery({
    queryKey: [name, 'diff', a, b, generation], enabled: a !== undefined, staleTime: Infinity, gcTime: 0, retry: false,
    queryFn: async ({ signal }) => readDifferences(await open(name, { path: '/kastor/v1/diff', query: { from: a, to: b, as: 'document' }, headers: { accept: 'application/x-ndjson' }, signal }), MOST_SHOWN),
  })
  const all = query.data?.list ?? []
  const list = times ? all : all.filter((each) => !isOnlyTimes(each))
  const { data } = query
  useEffect(() => {
    if (a === undefined || !data) return undefined
    showRemoved({ at: a, keys: new Set(data.list.flatMap((each) => (each.what === 'removed' && each.kind !== 'model' ? [keyOf(each)] : []))) })
    return leaveRemoved
  }, [data, a])
  const [chosen] = selectionOf(going.place.parameters)
  const choose = (each: Difference): void => { if (each.kind !== 'model') going.adjust({ sel: formatSelection([keyOf(each)]) }) }
  const toGraph = (): void => {
    if (a === undefined) return
    showDifferences(marksOf(list), a)
    going.go({ screen: 'graph', parameters: b === undefined ? {} : { at: b } })
  }
  const may = useMayNow('kastor/jobs/write')
  return (
    <div className="history-diff column" data-testid="history.diff">
      <div className="history-bar row">
        <Instant label={t('history.a')} value={a} now={undefined} onChange={(next) => { going.step({ a: next }) }} testId="history.a" />
        <Instant label={t('history.b')} value={b} now={t('frame.now')} onChange={(next) => { going.step({ b: next }) }} testId="history.b" />
        <span className="grow" />
        {query.data && <label className="row secondary"><Switch label={t('history.with-times')} on={times} onChange={setTimes} testId="history.with-times" />{t('history.with-times')}</label>}
        {list.length > 0 && <Button icon={GraphIcon} onClick={toGraph} data-testid="history.on-graph">{t('history.on-graph')}</Button>}
        {a !== undefined && may && <Button icon={RestoreIcon} onClick={() => { openRestore(a) }} data-testid="history.restore">{t('history.restore')}</Button>}
      </div>
      {a === undefined ? <Empty text={t('history.diff-empty')} testId="history.diff.empty" /> : query.error ? <Failed error={asApiError(query.error)} onRetry={() => { void query.refetch() }} /> : query.isPending ? <Waiting what={t('history.diff-what')} /> : (
        <>
          <p className="history-counts secondary" role="status" data-testid="history.diff.counts" data-count={list.length}>{list.length === 0 ? t('history.same') : t(query.data.more ? 'restore.more' : 'restore.counts', countsOf(list))}</p>
          {list.length > 0 && <DifferenceList list={list} chosen={chosen} onChoose={choose} testId="history.diff.list" />}
        </>
      )}
    </div>
  )
}

/** An instant of two: written, or that of the time bar. */
function Instant({ label, value, now: present, onChange, testId }: { label: string; value: string | undefined; now: string | undefined; onChange: (value: string | undefined) => void; testId: string }): ReactNode {
  const { at } = useGraph()
  const now = useNow(60_000)
  const [text, setText] = useState<string>()
  const [wrong, setWrong] = useState(false)
  const submit = (event?: FormEvent): void => {
    event?.preventDefault()
    if (text === undefined) return
    const trimmed = text.trim()
    const instant = /^change:\d+$/.test(trimmed) ? trimmed : readInstant(trimmed, now)
    const isPresent = present !== undefined && (trimmed === '' || trimmed.toLowerCase() === present.toLowerCase())
    setWrong(instant === undefined && !isPresent)
    if (instant === undefined && !isPresent) return
    setText(undefined)
    onChange(isPresent ? undefined : instant)
  }
  return (
    <form className="row" onSubmit={submit}>
      <label className="row"><span className="field-label">{label}</span>
        <input className="input num history-instant" value={text ?? (value === undefined ? present ?? '' : showInstant(value, now, true))} placeholder={t('time.exact-hint')} aria-invalid={wrong} autoComplete="off" spellCheck={false}
          onChange={(event) => { setText(event.target.value); setWrong(false) }} onBlur={() => { submit() }} data-testid={testId} /></label>
      {at !== undefined && at !== value && <Button look="quiet" icon={ClockIcon} title={t('history.take')} onClick={() => { setText(undefined); onChange(at) }} data-testid={`${testId}.take`}>{showInstant(at, now)}</Button>}
    </form>
  )
}
