import { lazy, type MouseEvent, type ReactNode, Suspense, useMemo, useState } from 'react'
import { runCommand } from '@/commands/registry'
import { shortName } from '@/dtdl/model'
import type { Models } from '@/dtdl/models'
import type { Looks } from '@/graph/types'
import { lookOf } from '@/state/looks'
import { formatNumber, t } from '@/text/text'
import { Button } from '@/ui/button'
import { HideIcon, RelationshipIcon, UpIcon } from '@/ui/icons'
import { Popover } from '@/ui/menu'
import { colourOf, type Look, MarkIcon } from '@/ui/mark'
import { Scale } from './Scale'
import { useScreen } from './store'
import { countsOf, type Lens } from './useLens'
import { isModelShown, means, modelEntries, nameEntries, type View } from './view'

const LegendCard = lazy(() => import('./LegendCard'))

export interface Family { readonly id: string; readonly name: string; readonly count: number; readonly look: Look; readonly models: readonly (readonly [string, number])[] }

/** The families of what is shown, most twins first among those of the palette's order. */
export function familiesOf(models: Models, counts: ReadonlyMap<string, number>, slots: Readonly<Record<string, number>> | undefined): readonly Family[] {
  const groups = new Map<string, [string, number][]>()
  for (const [model, count] of counts) {
    const family = models.family(model)
    const group = groups.get(family)
    if (group) group.push([model, count])
    else groups.set(family, [[model, count]])
  }
  return [...groups].map(([id, list]): Family => {
    const inOrder = list.sort((one, other) => other[1] - one[1])
    return { id, name: models.name(id), count: list.reduce((sum, [, count]) => sum + count, 0), look: lookOf(models, inOrder[0]?.[0] ?? id, slots), models: inOrder }
  }).sort((one, other) => (one.look.slot || 99) - (other.look.slot || 99) || other.count - one.count)
}

interface Props { readonly view: View; readonly models: Models; readonly lens: Lens | undefined; readonly looks: Looks; readonly many: ReadonlySet<string>; readonly off: ReadonlySet<string> }

/** What colours and shapes mean, and how much of it there is; a click filters. */
export function Legend({ view, models, lens, looks, many, off }: Props): ReactNode {
  const { structure, state, schema, scope, gone } = useScreen()
  const [open, setOpen] = useState(false)
  const counts = useMemo(() => (scope === 'schema' && schema ? schema.models : countsOf(structure, gone)), [structure, schema, scope, gone])
  const families = useMemo(() => familiesOf(models, counts, state.slots), [models, counts, state.slots])
  const names = useMemo(() => new Set([...structure.edges.values()].flatMap((edge) => (gone.has(edge.key) ? [] : [edge.name]))), [structure, gone])
  const point = (ids: ReadonlySet<string> | undefined): void => { useScreen.setState({ pointed: ids }) }
  return (
    <div className="floating graph-legend" data-testid="graph.legend" role="group" aria-label={t('graph.legend')}>
      {lens && <Scale lens={lens} path={view.lens ?? ''} />}
      <div className="legend-families">
        {families.map((family) => {
          const isShown = family.models.some(([model]) => isModelShown(models, view, model))
          return (
            <button key={family.id} type="button" className={isShown ? 'legend-item' : 'legend-item off'} aria-pressed={modelEntries(view.show).some((entry) => means(models, entry, family.id))} title={t('graph.legend-hint')}
              onClick={(event) => { toggleFamily(event, view, models, family) }} data-testid={`graph.legend.${shortName(family.id)}`}
              onMouseEnter={() => { if (isShown) point(idsOf(structure.nodes.values(), models, family.id)) }} onMouseLeave={() => { point(undefined) }}>
              <MarkIcon look={{ shape: 'square', hole: false, slot: lens ? 0 : family.look.slot }} size={12} />
              <span className="cut">{family.name}</span>
              <span className="num mono legend-count">{formatNumber(family.count)}</span>
            </button>
          )
        })}
      </div>
      <span className="legend-line" />
      {(state.hidden ?? []).length > 0 && <Button look="quiet" icon={HideIcon} onClick={() => { runCommand('graph.show-all') }} title={t('graph.show-all')} data-testid="graph.legend.hidden">{t('graph.hidden-count', { n: (state.hidden ?? []).length })}</Button>}
      <Popover label={t('graph.legend')} open={open} onOpenChange={setOpen} align="end" trigger={(
        <Button look="quiet" icon={RelationshipIcon} data-testid="graph.legend.more">
          <span className="legend-names">{t('graph.relationship-names')} <span className="num mono legend-count">{names.size}</span>{off.size > 0 && <span className="hint"> {t('graph.off', { n: off.size })}</span>} <UpIcon size={12} aria-hidden /></span>
        </Button>
      )}>
        <Suspense><LegendCard view={view} models={models} families={families} many={many} off={off} hidden={looks.hidden} /></Suspense>
      </Popover>
    </div>
  )
}

function idsOf(nodes: Iterable<{ readonly id: string; readonly model: string }>, models: Models, family: string): ReadonlySet<string> {
  return new Set([...nodes].flatMap((node) => (models.family(node.model) === family ? [node.id] : [])))
}

/** A click shows a family alone, another one shows all again; with Alt it is hidden, with Shift added. */
function toggleFamily(event: MouseEvent, view: View, models: Models, family: Family): void {
  const entry = `m:${shortName(family.id)}`
  const names = { show: nameEntries(view.show), hide: nameEntries(view.hide) }
  const shown = modelEntries(view.show)
  const hidden = modelEntries(view.hide)
  const write = (show: readonly string[], hide: readonly string[]): void => {
    view.going.adjust({ show: [...names.show, ...show].join(',') || undefined, hide: [...names.hide, ...hide].join(',') || undefined })
  }
  const isIn = (list: readonly string[]): boolean => list.some((each) => means(models, each, family.id))
  if (event.altKey) write(shown, isIn(hidden) ? hidden.filter((each) => !means(models, each, family.id)) : [...hidden, entry])
  else if (isIn(shown)) write(shown.filter((each) => !means(models, each, family.id)), hidden)
  else write(event.shiftKey ? [...shown, entry] : [entry], hidden.filter((each) => !means(models, each, family.id)))
}

/** A swatch of a palette slot, for words and yes and no. */
export function Swatch({ slot }: { slot: number }): ReactNode { return <span className="swatch" style={{ background: colourOf(slot) }} aria-hidden /> }
