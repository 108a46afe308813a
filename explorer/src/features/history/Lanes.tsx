import type { ReactNode } from 'react'
import { showValue } from '@/parts/values/show'
import { showInstant } from '@/state/instants'
import { t } from '@/text/text'
import { colourOf } from '@/ui/mark'
import type { Json } from '@/api/json'
import type { ResolvedSchema } from '@/dtdl/model'
import { AXIS, RIGHT } from './Chart'
import { segmentsOf } from './series'
import type { Series } from './useSeries'

const SLOTS = 8

/** The colour of a word, or of yes and no: the same as in the graph's lens. */
function slotOf(value: Json, schema: ResolvedSchema | undefined, seen: readonly Json[]): number {
  if (typeof value === 'boolean') return value ? 1 : 2
  const index = schema?.kind === 'enum' ? schema.values.findIndex((each) => each.value === value) : seen.indexOf(value)
  return index < 0 || index >= SLOTS ? 0 : index + 1
}

/** Words and yes or no over time: a coloured lane each. */
export function Lanes({ series, from, to, here, pointed, onPoint }: { series: readonly Series[]; from: number; to: number; here: number | undefined; pointed: number | undefined; onPoint: (at: number | undefined) => void }): ReactNode {
  const left = (at: number): string => `${((at - from) / (to - from)) * 100}%`
  return (
    <div className="history-lanes">
      {series.map((each) => {
        const segments = segmentsOf(each.buckets, to)
        const seen = [...new Set(segments.map((segment) => segment.value))]
        return (
          <figure key={each.key} className="history-lane" style={{ marginLeft: AXIS, marginRight: RIGHT }}>
            <figcaption className="secondary cut">{each.title}</figcaption>
            <div className="history-lane-bar" onPointerMove={(event) => { const box = event.currentTarget.getBoundingClientRect(); onPoint(from + ((event.clientX - box.left) / box.width) * (to - from)) }} onPointerLeave={() => { onPoint(undefined) }}>
              {segments.map((segment) => {
                const text = segment.value === null ? t('values.unset') : showValue(segment.value, each.property?.schema)
                return <span key={segment.from} className="history-segment cut" title={`${text}, ${showInstant(segment.from, to, true)}`} style={{ left: left(segment.from), width: `${((segment.to - segment.from) / (to - from)) * 100}%`, borderColor: colourOf(slotOf(segment.value, each.property?.schema, seen)) }}>{text}</span>
              })}
              {[here, pointed].map((at, index) => at !== undefined && at >= from && at <= to && <span key={index} className={index === 0 ? 'history-here' : 'history-pointed'} style={{ left: left(at) }} />)}
            </div>
          </figure>
        )
      })}
    </div>
  )
}
