import { type ReactNode, useMemo } from 'react'
import { shortName } from '@/dtdl/model'
import type { Models } from '@/dtdl/models'
import { lookOf } from '@/state/looks'
import { set, useSettings } from '@/state/settings'
import { formatNumber, t } from '@/text/text'
import { IconButton } from '@/ui/button'
import { Switch } from '@/ui/controls'
import { Select } from '@/ui/select'
import { HideIcon, ShowIcon } from '@/ui/icons'
import { MarkIcon } from '@/ui/mark'
import type { Family } from './Legend'
import { act, useScreen } from './store'
import { leavesOf } from './values'
import { isModelShown, means, modelEntries, nameEntries, type View } from './view'

const SLOTS = 8
const AUTO = 'auto'

interface Props { readonly view: View; readonly models: Models; readonly families: readonly Family[]; readonly many: ReadonlySet<string>; readonly off: ReadonlySet<string>; readonly hidden: ReadonlySet<string> }

/** Everything that is shown by model and by name of relationship, each with a switch. */
export default function LegendCard({ view, models, families, many, off, hidden }: Props): ReactNode {
  return (
    <div className="legend-card scroll">
      {families.map((family) => <FamilyRows key={family.id} family={family} view={view} models={models} />)}
      <h3>{t('graph.relationship-names')}</h3>
      <Names view={view} many={many} off={off} hidden={hidden} />
    </div>
  )
}

function FamilyRows({ family, view, models }: { family: Family; view: View; models: Models }): ReactNode {
  const slots = useScreen((state) => state.state.slots)
  return (
    <section>
      <div className="row legend-head">
        <h3 className="grow cut">{family.name}</h3>
        <span className="row legend-slots" role="radiogroup" aria-label={t('graph.colour', { name: family.name })}>
          {Array.from({ length: SLOTS }, (_each, index) => (
            <button key={index} type="button" role="radio" className="slot" aria-checked={family.look.slot === index + 1} aria-label={String(index + 1)} style={{ background: `var(--family-${index + 1})` }}
              onClick={() => { act(t('graph.colour', { name: family.name }), { slots: { ...slots, [family.id]: index + 1 } }) }} />
          ))}
        </span>
      </div>
      {family.models.map(([model, count]) => <ModelRow key={model} model={model} count={count} view={view} models={models} slots={slots} />)}
    </section>
  )
}

function ModelRow({ model, count, view, models, slots }: { model: string; count: number; view: View; models: Models; slots: Readonly<Record<string, number>> | undefined }): ReactNode {
  const main = useSettings((state) => state.mainValues[model])
  const leaves = useMemo(() => leavesOf(models, model), [models, model])
  const isShown = isModelShown(models, view, model)
  const toggle = (): void => {
    const hide = modelEntries(view.hide)
    const next = isShown ? [...hide, `m:${shortName(model)}`] : hide.filter((entry) => !means(models, entry, model))
    view.going.adjust({ hide: [...nameEntries(view.hide), ...next].join(',') || undefined, ...(!isShown && modelEntries(view.show).length > 0 && { show: [...view.show, `m:${shortName(model)}`].join(',') }) })
  }
  return (
    <div className="row legend-row">
      <IconButton icon={isShown ? ShowIcon : HideIcon} label={isShown ? t('graph.hide-model', { name: models.name(model) }) : t('graph.show-model', { name: models.name(model) })} onClick={toggle} />
      <MarkIcon look={lookOf(models, model, slots)} size={11} />
      <span className="cut grow">{models.name(model)}</span>
      <span className="num hint">{formatNumber(count)}</span>
      {leaves.length > 0 && (
        <Select label={t('graph.main-value', { name: models.name(model) })} value={main ?? AUTO} choices={[{ value: AUTO, text: t('graph.main-auto') }, ...leaves.map((leaf) => ({ value: leaf.path.join('.'), text: leaf.path.join('.') }))]}
          onChange={(path) => {
            const { [model]: _before, ...rest } = useSettings.getState().mainValues
            set({ mainValues: path === AUTO ? rest : { ...rest, [model]: path } })
          }} />
      )}
    </div>
  )
}

function Names({ view, many, off, hidden }: { view: View; many: ReadonlySet<string>; off: ReadonlySet<string>; hidden: ReadonlySet<string> }): ReactNode {
  const { structure, picture } = useScreen()
  const rows = useMemo(() => {
    const found = new Map<string, { count: number; drawn: number }>()
    let index = 0
    for (const edge of structure.edges.values()) {
      const row = found.get(edge.name) ?? { count: 0, drawn: 0 }
      found.set(edge.name, row)
      row.count += 1
      if (picture?.layout.implied[index] !== 1 && !hidden.has(edge.source) && !hidden.has(edge.target)) row.drawn += 1
      index += 1
    }
    return [...found].sort(([a, x], [b, y]) => y.count - x.count || (a < b ? -1 : 1))
  }, [structure, picture, hidden])
  const toggle = (name: string, on: boolean): void => {
    const show = view.show.filter((each) => each !== name)
    const hide = view.hide.filter((each) => each !== name)
    view.going.adjust({ show: (on && many.has(name) ? [...show, name] : show).join(',') || undefined, hide: (on ? hide : [...hide, name]).join(',') || undefined })
  }
  return (
    <ul>
      {rows.map(([name, { count, drawn }]) => (
        <li key={name} className="row legend-row">
          <Switch label={name} on={!off.has(name)} onChange={(on) => { toggle(name, on) }} testId={`graph.legend.name.${name}`} />
          <span className="mono cut grow">{name}</span>
          <span className="hint num">{many.has(name) ? t('graph.many', { n: drawn }) : drawn === count ? formatNumber(count) : t('graph.drawn', { n: drawn, count })}</span>
        </li>
      ))}
    </ul>
  )
}
