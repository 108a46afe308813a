import { useQuery } from '@tanstack/react-query'
import { type FormEvent, type PointerEvent, type ReactNode, useId, useRef, useState } from 'react'
import { ApiError } from '@/api/errors'
import { open } from '@/api/http'
import { at, isObject, type Json, parseJson } from '@/api/json'
import { type Range, SPEEDS, useClock } from '@/state/clock'
import { useGraph, useModels } from '@/state/graph'
import { millisOf, readInstant, showInstant } from '@/state/instants'
import { t } from '@/text/text'
import { Button, IconButton } from '@/ui/button'
import { Segments } from '@/ui/controls'
import { FitIcon } from '@/ui/icons'
import { type Span, useMayNow, useSpan } from './activity'
import { shareOf } from './bars'
import { Bars, useWidth } from './TimeStrip'
import type { Time } from './useTime'

const LEAST_BRUSH = 6
/** Of the log each page looks at 10,000 entries. */
const MOST_PAGES = 10
const DELETIONS = "type = 'Microsoft.DigitalTwins.Twin.Delete'"

/** What the bar has besides when it is opened: the exact instant, the part that is shown, how fast it plays. */
export default function TimePanel({ time }: { time: Time }): ReactNode {
  const span = useSpan(true)
  const { range, speed } = useClock()
  if (!span) return null
  return (
    <section className="time-panel" aria-label={t('time.title')} data-testid="time.panel">
      <Exact time={time} now={span.now} />
      <Overview span={span} range={range} />
      <div className="column time-speed">
        <Segments label={t('time.speed')} value={String(speed)} choices={SPEEDS.map((each) => ({ value: String(each), text: `${each}×` }))} onChange={(next) => { time.setSpeed(SPEEDS.find((each) => String(each) === next) ?? 60) }} testId="time.speed" />
        <span className="row hint"><span className="grow cut">{range ? `${showInstant(range[0], span.now)} – ${showInstant(range[1], span.now)}` : t('time.all-kept')}</span>
          {range && <IconButton icon={FitIcon} label={t('time.show-all')} side="top" onClick={() => { useClock.setState({ range: undefined }) }} data-testid="time.all" />}</span>
      </div>
    </section>
  )
}

function Exact({ time, now }: { time: Time; now: number }): ReactNode {
  const { at } = useGraph()
  const [text, setText] = useState<string>()
  const [wrong, setWrong] = useState(false)
  const problem = useId()
  const submit = (event: FormEvent): void => {
    event.preventDefault()
    const instant = readInstant(text ?? '', now)
    setWrong(instant === undefined)
    if (instant === undefined) return
    const ms = millisOf(instant) ?? now
    time.go(ms >= now ? undefined : instant)
    setText(undefined)
  }
  return (
    <form className="column time-exact" onSubmit={submit}>
      <span className="row">
        <input className="input num" aria-label={t('time.exact')} placeholder={t('time.exact-hint')} value={text ?? (at === undefined ? '' : showInstant(at, now, true))} aria-invalid={wrong} aria-describedby={problem} autoComplete="off" spellCheck={false}
          onChange={(event) => { setText(event.target.value); setWrong(false) }} onBlur={() => { if (!wrong) setText(undefined) }} data-testid="time.exact" />
        <Button onMouseDown={(event) => { event.preventDefault() }} disabled={text === undefined} type="submit">{t('time.go')}</Button>
      </span>
      <span id={problem} className={wrong ? 'field-error' : 'hint'}>{wrong ? t('time.wrong') : t('time.utc')}</span>
    </form>
  )
}

/** All that is kept; dragging over a part shows just that part in the bar below. */
function Overview({ span, range }: { span: Span; range: Range | undefined }): ReactNode {
  const { at } = useGraph()
  const [ref, width] = useWidth()
  const [brush, setBrush] = useState<Range>()
  const begun = useRef<number>(undefined)
  const marks = useMarks(span)
  const shown = brush ?? range
  const here = millisOf(at)
  const placeOf = (event: PointerEvent<HTMLElement>): number => {
    const box = event.currentTarget.getBoundingClientRect()
    return span.from + Math.min(1, Math.max(0, (event.clientX - box.left) / box.width)) * (span.to - span.from)
  }
  const end = (): void => {
    begun.current = undefined
    if (brush && ((brush[1] - brush[0]) / (span.to - span.from)) * width >= LEAST_BRUSH) useClock.setState({ range: [Math.max(span.oldest, brush[0]), brush[1]] })
    setBrush(undefined)
  }
  return (
    <div className="time-overview" ref={ref} title={t('time.brush')} data-testid="time.overview" onDoubleClick={() => { useClock.setState({ range: undefined }) }}
      onPointerDown={(event) => { event.currentTarget.setPointerCapture(event.pointerId); begun.current = placeOf(event) }}
      onPointerMove={(event) => { const from = begun.current; if (from !== undefined) { const to = placeOf(event); setBrush([Math.min(from, to), Math.max(from, to)]) } }}
      onPointerUp={end} onPointerCancel={end}>
      {span.isCut && <span className="time-gone" style={{ width: `${shareOf(span.oldest, span) * 100}%` }} title={t('time.not-kept')} />}
      <Bars span={span} width={width} height={36} upTo={here} />
      {marks.map((mark) => <span key={`${mark.kind}${mark.at}`} className={`time-mark ${mark.kind}`} style={{ left: `${shareOf(mark.at, span) * 100}%` }} title={mark.text} />)}
      {shown && <span className="time-brush" style={{ left: `${shareOf(shown[0], span) * 100}%`, width: `${((shown[1] - shown[0]) / (span.to - span.from)) * 100}%` }} />}
      {here !== undefined && <span className="time-handle thin" style={{ left: `${shareOf(here, span) * 100}%` }} />}
    </div>
  )
}

async function readDeletions(graph: string, signal: AbortSignal): Promise<readonly Json[]> {
  const found: Json[] = []
  let after = '0'
  for (let page = 0; page < MOST_PAGES; page += 1) {
    let response: Response
    try {
      response = await open(graph, { path: '/kastor/v1/events', signal, query: { format: 'ndjson', after, filter: DELETIONS } })
    } catch (error) {
      const oldest = error instanceof ApiError && error.code === 'ChangesGone' ? at(error.body, '/error/details/0/oldest') : undefined
      if (typeof oldest !== 'number' || page > 0) throw error
      after = String(oldest - 1)
      continue
    }
    found.push(...(await response.text()).split('\n').filter((line) => line !== '').map(parseJson))
    const next = response.headers.get('kastor-next-position') ?? after
    if (next === after) break
    after = next
  }
  return found
}

interface TimeMark { readonly at: number; readonly kind: 'model' | 'deletion'; readonly text: string }

/** When models came, and when twins were deleted: what explains why a picture looks otherwise. */
function useMarks(span: Span): readonly TimeMark[] {
  const { name } = useGraph()
  const models = useModels()
  const may = useMayNow('kastor/events/read')
  const deletions = useQuery({
    queryKey: [name, 'deletions'], enabled: may, staleTime: 60_000, retry: false,
    queryFn: ({ signal }) => readDeletions(name, signal),
  })
  const byTime = new Map<string, TimeMark>()
  for (const model of models.all) {
    const at = millisOf(model.uploadTime)
    if (at !== undefined) byTime.set(`m${at}`, { at, kind: 'model', text: t('time.models-came', { time: showInstant(at, span.now) }) })
  }
  for (const event of deletions.data ?? []) {
    if (!isObject(event) || typeof event['time'] !== 'string' || typeof event['subject'] !== 'string') continue
    const at = millisOf(event['time'])
    if (at !== undefined) byTime.set(`d${at}`, { at, kind: 'deletion', text: t('time.deleted', { id: event['subject'], time: showInstant(at, span.now) }) })
  }
  return [...byTime.values()].filter((mark) => mark.at >= span.from && mark.at <= span.to)
}
