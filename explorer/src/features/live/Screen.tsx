import './live.css'
import { type ReactNode, useEffect, useMemo, useState } from 'react'
import type { ApiError } from '@/api/errors'
import { writeJson } from '@/api/json'
import { type Command, useCommands } from '@/commands/registry'
import { completeFilter } from '@/lang/filter-lang'
import { rangeOf } from '@/lang/repair'
import { Editor } from '@/parts/editor/Editor'
import { FILTER } from '@/parts/editor/languages'
import type { Problem } from '@/parts/editor/types'
import { useFacts } from '@/parts/facts'
import { useWaitingForm } from '@/parts/form/useForm'
import { type EventKind, KINDS, kindOf, twinOf } from '@/state/eventlog'
import { useMay } from '@/state/graph'
import type { SeenEvent } from '@/state/live'
import { selecting, selectionOf, useGoing } from '@/state/url'
import { formatNumber, t } from '@/text/text'
import { Button, IconButton } from '@/ui/button'
import { saveBlob } from '@/ui/download'
import { DeleteIcon, DownloadIcon, FilterIcon, PauseIcon, PlayIcon, TelemetryIcon } from '@/ui/icons'
import { Failed } from '@/ui/states'
import { Details } from './Details'
import { useEvents } from './events'
import { List } from './List'
import { Rates } from './Rates'
import { Telemetry } from './Telemetry'

/** Events as they happen (design 5.5). */
export default function Screen(): ReactNode {
  const going = useGoing()
  const may = useMay()
  const { f: filter = '', kinds: kindsText } = going.place.parameters
  const kinds = useMemo(() => new Set<EventKind>(kindsText === undefined ? KINDS : KINDS.filter((each) => kindsText.split(',').includes(each))), [kindsText])
  const [paused, setPaused] = useState(false)
  const [chosen, setChosen] = useState<SeenEvent>()
  const waiting = useWaitingForm('telemetry')
  // Whom it was opened for: another selection does not make it another form.
  const [sending, setSending] = useState(waiting === undefined ? undefined : { twin: waiting })
  const [only, setOnly] = useState(false)
  const { log, events, error, passed } = useEvents(filter, paused)
  const selected = selectionOf(going.place.parameters)
  const first = selected[0] ?? ''
  const rows = useMemo(() => events.filter(({ event }) => kinds.has(kindOf(event)) && (!only || selected.includes(twinOf(event)))), [events, kinds, only, selected])
  const commands = useMemo((): Command[] => [
    { id: 'live.pause', group: t('screens.live'), text: t(paused ? 'live.resume' : 'live.pause'), keys: ['Space'], run: () => { setPaused(!paused) } },
    { id: 'live.telemetry', group: t('screens.live'), text: t('live.send'), when: () => may('digitaltwins/telemetry/action'), run: () => { setSending({ twin: first }) } },
  ], [paused, may, first])
  useCommands(commands)
  const toggle = (kind: EventKind): void => {
    const next = KINDS.filter((each) => (each === kind ? !kinds.has(each) : kinds.has(each)))
    going.adjust({ kinds: next.length === KINDS.length ? undefined : next.join(',') || 'none' })
  }
  return (
    <div className="live-screen" data-testid="live">
      <div className="screen-head live-head">
        <FilterField filter={filter} error={error} onFilter={(text) => { going.adjust({ f: text === '' ? undefined : text }) }} />
        {KINDS.map((kind) => <Button key={kind} on={kinds.has(kind)} onClick={() => { toggle(kind) }} data-testid={`live.kind.${kind}`}>{t(`live.kind-${kind}`)}</Button>)}
        {selected.length > 0 && <Button on={only} onClick={() => { setOnly(!only) }}>{t('live.only-selected')}</Button>}
        <span className="grow" />
        <IconButton icon={paused ? PlayIcon : PauseIcon} label={t(paused ? 'live.resume' : 'live.pause')} on={paused} onClick={() => { setPaused(!paused) }} data-testid="live.pause" />
        <IconButton icon={DeleteIcon} label={t('live.clear')} onClick={() => { log.clear() }} data-testid="live.clear" />
        <IconButton icon={DownloadIcon} label={t('live.export')} onClick={() => { exportEvents(rows) }} data-testid="live.export" />
        {may('digitaltwins/telemetry/action') && <Button icon={TelemetryIcon} onClick={() => { setSending({ twin: first }) }} data-testid="live.telemetry">{t('live.send')}</Button>}
      </div>
      {passed > 0 && <div className="notice" role="status">{t('live.passed', { n: passed })}</div>}
      {log.left > 0 && <div className="notice" role="status">{t('live.sampled', { n: log.left })}</div>}
      {error && <Failed error={error} compact />}
      <Rates log={log} version={log.version} />
      <List rows={rows} paused={paused} chosen={chosen} onChoose={setChosen} onClose={() => { setChosen(undefined) }} onTwin={(id) => { going.adjust(selecting([id])) }} />
      <p className="unseen" role="status">{formatNumber(rows.length)}</p>
      {chosen && <Details seen={chosen} onClose={() => { setChosen(undefined) }} />}
      {sending && may('digitaltwins/telemetry/action') && <Telemetry twin={sending.twin} onClose={() => { setSending(undefined) }} />}
    </div>
  )
}

/** The filter of the stream; Enter takes it, and what is wrong with it is told in its place. */
function FilterField({ filter, error, onFilter }: { filter: string; error: ApiError | undefined; onFilter: (text: string) => void }): ReactNode {
  const facts = useFacts()
  const [text, setText] = useState(filter)
  useEffect(() => { setText(filter) }, [filter])
  const place = error?.details[0]
  const problems = useMemo((): readonly Problem[] => (place?.line === undefined || text.trim() !== filter ? []
    : [{ ...rangeOf(text, { line: place.line, column: place.column ?? 0, length: Math.max(1, place.length ?? 1) }), severity: 'error', message: place.message }]), [place, text, filter])
  return (
    <div className="live-filter" onBlur={() => { onFilter(text.trim()) }}>
      <FilterIcon size={14} aria-hidden />
      <Editor single label={t('live.filter')} value={text} placeholder={t('live.filter')} language={FILTER} problems={problems} onChange={setText} onRun={() => { onFilter(text.trim()) }}
        complete={(all, cursor) => completeFilter(all, cursor, facts)} testId="live.filter" />
    </div>
  )
}

function exportEvents(rows: readonly SeenEvent[]): void {
  saveBlob(rows.map(({ event }) => writeJson(event)).join('\n'), 'events.ndjson', 'application/x-ndjson')
}
