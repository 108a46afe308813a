import { type ReactNode, useCallback, useMemo, useState } from 'react'
import { asApiError } from '@/api/errors'
import { useWidth } from '@/parts/time-bar/TimeStrip'
import { showValue } from '@/parts/values/show'
import { useClock } from '@/state/clock'
import { useGraph } from '@/state/graph'
import { millisOf, showInstant } from '@/state/instants'
import { selectionOf, useGoing } from '@/state/url'
import { formatNumber, t } from '@/text/text'
import { Button, IconButton } from '@/ui/button'
import { CloseIcon, DownloadIcon, FitIcon } from '@/ui/icons'
import { Empty, Failed, Waiting } from '@/ui/states'
import { type Column, Table } from '@/ui/table'
import { saveBlob } from '@/ui/download'
import { AddSeries } from './AddSeries'
import { Chart } from './Chart'
import { Lanes } from './Lanes'
import { bucketAt, formatSeries, MOST_SERIES, parseSeries, rowsOf, type SeriesName, type TableRow, toCsv } from './series'
import { type Charted, type Series, useSeries } from './useSeries'

const SIDES = 32

/** Values over time: lines by unit, lanes of words, the same numbers as a table (design 5.6). */
export function Charts(): ReactNode {
  const { at } = useGraph()
  const going = useGoing()
  const { prop, twin, sel } = going.place.parameters
  const names = useMemo(() => parseSeries(prop, twin), [prop, twin])
  const [ref, outer] = useWidth()
  const width = Math.max(0, outer - SIDES)
  const charted = useSeries(names, width)
  const range = useClock((state) => state.range)
  const [pointed, setPointed] = useState<number>()
  const setNames = (next: readonly SeriesName[]): void => { going.step({ prop: formatSeries(next), twin: undefined }) }
  const [selected] = selectionOf(sel === undefined ? {} : { sel }).filter((id) => !id.includes('/'))
  const add = <AddSeries twin={twin ?? selected ?? names.at(-1)?.twin} taken={names} disabled={names.length >= MOST_SERIES} onAdd={(name) => { setNames([...names, name]) }} />
  const shown = pointed ?? millisOf(at)
  return (
    <div className="history-body scroll" ref={ref} data-testid="history.charts">
      <div className="history-bar row">
        {charted?.series.map((each) => <Chip key={each.key} series={each} at={shown} onRemove={() => { setNames(names.filter((name) => name !== each.name)) }} />)}
        {names.length > 0 && add}
        <span className="grow" />
        {range && <Button icon={FitIcon} onClick={() => { useClock.setState({ range: undefined }) }} data-testid="history.all">{t('time.show-all')}</Button>}
        {charted && names.length > 0 && <Button icon={DownloadIcon} onClick={() => { download(charted) }} data-testid="history.csv">{t('history.csv')}</Button>}
      </div>
      {names.length === 0 && <Empty text={t('history.empty')} action={add} testId="history.empty" />}
      {names.length > 0 && charted && <Plots charted={charted} width={width} here={millisOf(at)} pointed={pointed} onPoint={setPointed} />}
    </div>
  )
}

function Chip({ series, at, onRemove }: { series: Series; at: number | undefined; onRemove: () => void }): ReactNode {
  const bucket = at === undefined ? series.buckets.at(-1) : bucketAt(series.buckets, at)
  const value = bucket && (series.lane ? showValue(bucket.last, series.property?.schema) : bucket.avg === undefined ? '' : `${formatNumber(bucket.avg, { maximumFractionDigits: 3 })} ${series.property?.unit ?? ''}`)
  return (
    <span className="history-chip row" data-testid={`history.series.${series.key}`}>
      <span className="history-swatch" style={{ background: series.colour }} />
      <span className="cut">{series.title}</span>
      {value !== undefined && <strong className="num">{value}</strong>}
      <IconButton icon={CloseIcon} size={12} label={t('history.remove', { name: series.title })} onClick={onRemove} />
    </span>
  )
}

function Plots({ charted, width, here, pointed, onPoint }: { charted: Charted; width: number; here: number | undefined; pointed: number | undefined; onPoint: (at: number | undefined) => void }): ReactNode {
  const { series, from, to, span } = charted
  const units = useMemo(() => {
    const found = new Map<string, Series[]>()
    for (const each of series) if (!each.lane) found.set(each.property?.unit ?? '', [...(found.get(each.property?.unit ?? '') ?? []), each])
    return [...found]
  }, [series])
  const lanes = series.filter((each) => each.lane)
  const onBrush = useCallback((begin: number, end: number) => { useClock.setState({ range: [Math.max(span.oldest, begin), Math.min(span.now, end)] }) }, [span])
  const failed = series.find((each) => each.error !== null)
  if (series.every((each) => each.pending)) return <Waiting what={t('history.what')} rows={4} rowHeight={60} />
  return (
    <>
      {failed?.error && <Failed compact error={asApiError(failed.error)} />}
      {units.map(([unit, list]) => (
        <Chart key={unit} label={list.map((each) => each.title).join(', ')} unit={unit} series={list} from={from} to={to} seconds={charted.seconds} here={here} width={width} onBrush={onBrush} onReset={() => { useClock.setState({ range: undefined }) }} onPoint={onPoint} />
      ))}
      {lanes.length > 0 && <Lanes series={lanes} from={from} to={to} here={here} pointed={pointed} onPoint={onPoint} />}
      <Values charted={charted} />
    </>
  )
}

function Values({ charted }: { charted: Charted }): ReactNode {
  const { adjust } = useGoing()
  const rows = useMemo(() => rowsOf(charted.series.map((each) => each.buckets)), [charted])
  const columns: readonly Column<TableRow>[] = [
    { key: 'time', title: t('history.time'), width: 200, cell: (row) => <span className="num">{showInstant(row.at, 0, true)}</span> },
    ...charted.series.map((each, index): Column<TableRow> => ({
      key: each.key, title: <span className="cut" title={each.title}>{each.title}</span>, width: 200, align: each.lane ? 'left' : 'right',
      cell: (row) => {
        const bucket = row.values[index]
        if (!bucket) return ''
        if (each.lane || bucket.avg === undefined) return showValue(bucket.last, each.property?.schema)
        const text = formatNumber(bucket.avg, { maximumFractionDigits: 4 })
        return bucket.min === bucket.max || bucket.min === undefined || bucket.max === undefined ? text : `${text} (${formatNumber(bucket.min, { maximumFractionDigits: 4 })} – ${formatNumber(bucket.max, { maximumFractionDigits: 4 })})`
      },
    })),
  ]
  return (
    <section className="history-values column" aria-label={t('history.values')}>
      <p className="hint">{t('history.bucket', { seconds: charted.seconds, n: rows.length })}</p>
      <Table label={t('history.values')} columns={columns} rows={rows} keyOf={(row) => String(row.at)} onOpen={(row) => { adjust({ at: new Date(row.at).toISOString() }) }} testId="history.values" />
    </section>
  )
}

function download(charted: Charted): void {
  const text = toCsv(rowsOf(charted.series.map((each) => each.buckets)), charted.series.map((each) => ({ title: `${each.title}${each.property?.unit ? ` [${each.property.unit}]` : ''}`, lane: each.lane })))
  saveBlob(text, 'series.csv', 'text/csv')
}
