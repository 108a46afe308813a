import { useQuery } from '@tanstack/react-query'
import { type ReactNode, useMemo } from 'react'
import { path, send } from '@/api/http'
import { isObject, type Json } from '@/api/json'
import { TwinName } from '@/parts/TwinName'
import { useGraph, useModels } from '@/state/graph'
import { useKnownTwin } from '@/state/twins'
import { t } from '@/text/text'
import { Sparkline, type SparkPoint } from '@/ui/sparkline'
import { boundTo, fillUrl, numberOf, showNumber, type Subject, valueAt } from './effects'
import { type Behaviour, type Scene, type Widget } from './scene'
import { type Lively, titleOf } from './useLively'
import { bucketFor, instantOf } from './time'

interface Shown { readonly behaviour: Behaviour; readonly widget: Widget }

/** What behaviours tell of the selected element, beside its colour. */
export function WidgetCard({ scene, lively, isOn, selected }: { scene: Scene; lively: Lively; isOn: (behaviour: Behaviour) => boolean; selected: readonly string[] }): ReactNode {
  const id = selected.at(-1)
  const binding = scene.bindings.find((each) => each.twin === id)
  const shown = useMemo((): readonly Shown[] => scene.behaviours.filter(isOn).flatMap((behaviour) => {
    if (!binding || !boundTo(behaviour, [binding], lively.facts).length) return []
    return (behaviour.widgets ?? []).map((widget) => ({ behaviour, widget }))
  }), [scene.behaviours, isOn, binding, lively])
  const subject = id === undefined ? undefined : lively.facts.subject(id)
  if (!subject || !binding || shown.length === 0) return null
  return (
    <section className="floating scenes-widgets" aria-label={subject.name} data-testid="scenes.widgets">
      <h2 className="scenes-widgets-title"><TwinName id={subject.id} /></h2>
      {shown.map(({ behaviour, widget }, index) => <WidgetRow key={`${behaviour.id} ${index}`} behaviour={behaviour} widget={widget} subject={subject} lively={lively} />)}
    </section>
  )
}

function WidgetRow({ behaviour, widget, subject, lively }: { behaviour: Behaviour; widget: Widget; subject: Subject; lively: Lively }): ReactNode {
  const models = useModels()
  if (widget.kind === 'link') return <a className="scenes-widget-link" href={fillUrl(widget.url, subject.id)} target="_blank" rel="noreferrer noopener">{widget.text}</a>
  const property = widget.property ?? behaviour.property
  const title = (widget.kind === 'value' ? widget.label : undefined) ?? titleOf(models, subject.model, property)
  if (widget.kind === 'sparkline') return <div className="row scenes-widget"><span className="grow cut secondary">{title}</span><Line id={subject.id} property={property} minutes={widget.minutes ?? 60} title={title} /></div>
  return <Value subject={subject} property={property} title={title} lively={lively} />
}

function Value({ subject, property, title, lively }: { subject: Subject; property: string; title: string; lively: Lively }): ReactNode {
  const { twins } = useGraph()
  const twin = useKnownTwin(twins, subject.id)?.twin ?? subject.twin
  const value = valueAt(twin, property)
  const number = numberOf(value)
  const unit = lively.facts.unit(subject.model, property)
  const text = number !== undefined ? showNumber(number, undefined) : value === undefined ? '–' : lively.facts.say(subject.model, property, value)
  return <div className="row scenes-widget"><span className="grow cut secondary">{title}</span><span className="num scenes-widget-value">{unit === '' ? text : `${text} ${unit}`}</span></div>
}

interface Bucket { readonly from: string; readonly avg?: Json; readonly last?: Json }

/** How a value went, of the kept history; it grows by what is heard since. */
function Line({ id, property, minutes, title }: { id: string; property: string; minutes: number; title: string }): ReactNode {
  const { name, at, twins, generation } = useGraph()
  useKnownTwin(twins, id)
  const pointer = `/${property.replaceAll('.', '/')}`
  const { data, error } = useQuery({
    queryKey: [name, 'scene-series', id, pointer, minutes, at, generation], staleTime: 60_000, refetchInterval: at === undefined ? 60_000 : false,
    queryFn: async ({ signal }): Promise<readonly SparkPoint[]> => {
      const to = instantOf(at, Date.now())
      const query = { path: pointer, from: new Date(to - minutes * 60_000).toISOString(), to: new Date(to).toISOString(), bucket: bucketFor(minutes), agg: 'avg,last' }
      const answer = await send<{ readonly value: readonly Bucket[] }>(name, { path: path('/kastor/v1/digitaltwins/{id}/series', { id }), query, signal })
      return answer.data.value.flatMap((each) => {
        const value = isObject(each.avg) ? undefined : numberOf(each.avg) ?? numberOf(each.last)
        return value === undefined ? [] : [{ at: Date.parse(each.from), value }]
      })
    },
  })
  if (error) return <span className="hint">{t('scenes.no-series')}</span>
  const kept = data ?? []
  const since = kept.at(-1)?.at ?? 0
  const points = at === undefined ? [...kept, ...twins.points(id, pointer).filter((each) => each.at > since)] : kept
  if (points.length < 2) return data ? <span className="hint">{t('scenes.no-series')}</span> : null
  return <Sparkline points={points} label={t('scenes.series', { title, minutes })} width={112} height={24} />
}
