import 'uplot/dist/uPlot.min.css'
import { type ReactNode, useEffect, useRef, useState } from 'react'
import type uPlot from 'uplot'
import { isDark, useSettings } from '@/state/settings'
import { formatNumber } from '@/text/text'
import { aligned, standing } from './series'
import type { Series } from './useSeries'

export const AXIS = 56
export const RIGHT = 16
const HEIGHT = 190
const SYNC = 'history'

interface ChartProps {
  readonly label: string
  readonly unit: string
  readonly series: readonly Series[]
  readonly from: number
  readonly to: number
  /** The length of a bucket. */
  readonly seconds: number
  readonly here: number | undefined
  readonly width: number
  readonly onBrush: (from: number, to: number) => void
  readonly onReset: () => void
  readonly onPoint: (at: number | undefined) => void
}

/** Lines of one unit, each with the band of its least and most; the pointer stands at the same time in all charts. */
export function Chart(props: ChartProps): ReactNode {
  const place = useRef<HTMLDivElement>(null)
  const live = useRef(props)
  live.current = props
  const plot = useRef<uPlot>(undefined)
  const theme = useSettings((state) => state.theme)
  const [library, setLibrary] = useState<typeof uPlot>()
  useEffect(() => { void import('uplot').then((found) => { setLibrary(() => found.default) }) }, [])
  const shape = props.series.map((each) => each.key).join(',')

  useEffect(() => {
    if (!library || !place.current || props.width < 100) return undefined
    const made = new library(optionsOf(library, live), dataOf(live.current), place.current)
    plot.current = made
    return () => { made.destroy(); plot.current = undefined }
  }, [library, shape, theme, props.width, props.unit])
  useEffect(() => { plot.current?.setData(dataOf(live.current)) }, [props.series, props.from, props.to])
  useEffect(() => { plot.current?.redraw(false) }, [props.here])
  return <div className="history-chart" ref={place} role="img" aria-label={props.label} style={{ height: HEIGHT }} />
}

function dataOf({ series, seconds, to }: ChartProps): uPlot.AlignedData {
  const { x, rows } = aligned(series.map((each) => standing(each.buckets, seconds * 1000, to)))
  return [[...x], ...rows.map((row) => [...row])]
}

function optionsOf(library: typeof uPlot, live: { readonly current: ChartProps }): uPlot.Options {
  const style = getComputedStyle(document.documentElement)
  const token = (name: string): string => style.getPropertyValue(name).trim()
  const resolved = (colour: string): string => token(/--[\w-]+/.exec(colour)?.[0] ?? '--text-3')
  const text = token('--text-2')
  const grid = { stroke: token('--border'), width: 1 }
  const axis = { stroke: text, grid, ticks: { ...grid, size: 4 }, font: '11px "Inter Variable", system-ui, sans-serif' }
  const { series, unit, width } = live.current
  const lines = series.flatMap(({ colour }): uPlot.Series[] => {
    const stroke = resolved(colour)
    return [{ stroke: 'transparent', spanGaps: true, points: { show: false } }, { stroke: 'transparent', spanGaps: true, points: { show: false } }, { stroke, width: 1.5, spanGaps: true, points: { show: false } }]
  })
  return {
    width, height: HEIGHT, legend: { show: false }, padding: [10, RIGHT, 0, 0], tzDate: (seconds) => library.tzDate(new Date(seconds * 1000), 'Etc/UTC'),
    scales: { x: { time: true, range: () => [live.current.from / 1000, live.current.to / 1000] } },
    axes: [{ ...axis, size: 28, values: [[86_400, '{MM}-{DD}', null, null, null, null, null, null, 1], [3600, '{HH}:{mm}', null, null, null, null, null, null, 1], [60, '{HH}:{mm}', null, null, null, null, null, null, 1], [1, '{HH}:{mm}:{ss}', null, null, null, null, null, null, 1]] },
      { ...axis, size: AXIS, values: (_plot, splits) => splits.map((value, index) => `${formatNumber(value, { maximumFractionDigits: 3 })}${index === splits.length - 1 && unit !== '' ? ` ${unit}` : ''}`) }],
    series: [{}, ...lines],
    bands: series.map((each, index) => ({ series: [index * 3 + 2, index * 3 + 1] as [number, number], fill: `color-mix(in srgb, ${resolved(each.colour)} ${isDark() ? 26 : 18}%, transparent)` })),
    cursor: { sync: { key: SYNC }, drag: { x: true, y: false, setScale: false }, points: { size: 6 }, bind: { dblclick: () => () => { live.current.onReset(); return null } } },
    hooks: {
      setSelect: [(made) => {
        if (made.select.width < 4) return
        live.current.onBrush(made.posToVal(made.select.left, 'x') * 1000, made.posToVal(made.select.left + made.select.width, 'x') * 1000)
        made.setSelect({ left: 0, width: 0, top: 0, height: 0 }, false)
      }],
      setCursor: [(made) => { live.current.onPoint(made.cursor.left === undefined || made.cursor.left < 0 ? undefined : made.posToVal(made.cursor.left, 'x') * 1000) }],
      draw: [(made) => { drawHere(made, live.current.here, token('--past')) }],
    },
  }
}

/** The instant that is looked at, as a line. */
function drawHere(made: uPlot, here: number | undefined, colour: string): void {
  if (here === undefined) return
  const x = made.valToPos(here / 1000, 'x', true)
  if (x < made.bbox.left || x > made.bbox.left + made.bbox.width) return
  made.ctx.save()
  made.ctx.strokeStyle = colour
  made.ctx.lineWidth = 2 * devicePixelRatio
  made.ctx.beginPath()
  made.ctx.moveTo(x, made.bbox.top)
  made.ctx.lineTo(x, made.bbox.top + made.bbox.height)
  made.ctx.stroke()
  made.ctx.restore()
}
