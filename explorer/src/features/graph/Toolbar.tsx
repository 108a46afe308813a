import { lazy, type ReactNode, Suspense, useState } from 'react'
import { runCommand } from '@/commands/registry'
import { showKeys } from '@/commands/keys'
import type { Models } from '@/dtdl/models'
import type { GraphView } from '@/graph/types'
import type { LayoutKind } from '@/layout/types'
import { t } from '@/text/text'
import { Button, IconButton } from '@/ui/button'
import { type Choice, Segments } from '@/ui/controls'
import { DownIcon, FitIcon, ForceIcon, LabelIcon, LayersIcon, LensIcon, MapIcon, NestedIcon, RadialIcon, ShareIcon, TreeIcon } from '@/ui/icons'
import { Menu, Popover } from '@/ui/menu'
import { LensList } from './LensList'
import { labelChoices } from './labels'
import { shareItems } from './share'
import { useScreen } from './store'
import type { Lens } from './useLens'
import type { View } from './view'
import { useGraph } from '@/state/graph'

const BoxesCard = lazy(() => import('./BoxesCard'))

const LEAST_PLACED = 5

export const KINDS: readonly LayoutKind[] = ['nested', 'tree', 'radial', 'layers', 'force']
const ICONS = { nested: NestedIcon, tree: TreeIcon, radial: RadialIcon, layers: LayersIcon, force: ForceIcon, map: MapIcon }

interface Props { readonly view: View; readonly models: Models; readonly lens: Lens | undefined; readonly canvas: GraphView | undefined; readonly kind: LayoutKind | undefined }

/** The two floating bars at the top: how it is laid out, and what is seen of it. */
export function Toolbar({ view, models, lens, canvas, kind }: Props): ReactNode {
  const { structure, lensOpen } = useScreen()
  const graph = useGraph()
  const [labelOpen, setLabelOpen] = useState(false)
  const { adjust, step } = view.going
  const placed = [...structure.nodes.values()].filter((node) => node.point).length
  const choices: readonly Choice<LayoutKind>[] = [...KINDS, ...(placed >= LEAST_PLACED ? ['map' as const] : [])].map((each, index) => ({ value: each, text: t(`graph.layouts.${each}`), icon: ICONS[each], hint: `${t(`graph.layouts.${each}`)} (${index + 1})` }))
  return (
    <>
      <div className="floating graph-bar graph-bar-left" role="toolbar" aria-label={t('graph.layout')}>
        <Segments label={t('graph.layout')} value={kind ?? 'nested'} choices={choices} onChange={(lay) => { step({ lay }) }} testId="graph.layout" />
        <Popover label={t('graph.boxes')} trigger={<IconButton icon={DownIcon} label={t('graph.boxes')} data-testid="graph.boxes" />}><Suspense><BoxesCard /></Suspense></Popover>
      </div>
      <div className="floating graph-bar graph-bar-right" role="toolbar" aria-label={t('graph.looks')}>
        <Popover label={t('graph.lens')} align="end" open={lensOpen} onOpenChange={(open) => { useScreen.setState({ lensOpen: open }) }}
          trigger={<Button look="quiet" icon={LensIcon} on={lens !== undefined} aria-label={lens ? t('graph.lens-of', { name: lens.property.title }) : t('graph.lens')} data-testid="graph.lens">{lens?.property.title ?? t('graph.lens')}</Button>}>
          <LensList models={models} chosen={view.lens} onChoose={(path) => { useScreen.setState({ lensOpen: false }); adjust({ lens: path }) }} />
        </Popover>
        <Menu align="end" open={labelOpen} onOpenChange={setLabelOpen}
          trigger={<Button look="quiet" icon={LabelIcon} aria-label={t('graph.label')} data-testid="graph.label"><span className="graph-wide">{view.label === 'id' ? t('graph.id') : view.label ?? t('graph.name')}</span></Button>}
          items={labelOpen ? labelChoices(models, structure, view) : []} />
        <IconButton icon={FitIcon} label={t('graph.fit')} keys={showKeys('f')} onClick={() => { runCommand('graph.fit') }} data-testid="graph.fit" />
        <Menu align="end" trigger={<IconButton icon={ShareIcon} label={t('graph.share')} data-testid="graph.share" />} items={shareItems(models, canvas, graph)} />
      </div>
    </>
  )
}
