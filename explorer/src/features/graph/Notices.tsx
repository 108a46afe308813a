import { lazy, type ReactNode, Suspense } from 'react'
import { useQueryClient } from '@tanstack/react-query'
import { useGraph } from '@/state/graph'
import { formatNumber, t } from '@/text/text'
import { Button, IconButton } from '@/ui/button'
import { CloseIcon } from '@/ui/icons'
import { useShown } from '@/state/shown'
import { useState } from 'react'
import { LARGEST_CAP } from '@/parts/structure/load'
import { screen, useScreen } from './store'
import type { View } from './view'

const Differences = lazy(() => import('./Differences'))

const SQUEEZED_SHARE = 0.05

interface Props { readonly view: View; readonly cap: number; readonly lost: string | undefined; readonly squeezed: number; readonly boxes: number; readonly onMore: (() => void) | undefined; readonly onTidy: () => void }

/** What is not shown, and the ways on; never silently (design 5.1). */
export function Notices({ view, lost, squeezed, boxes, onMore, onTidy }: Props): ReactNode {
  const { cut, scope, structure, newcomers, wayFrom, state, picture } = useScreen()
  const kind = picture?.layout.kind
  const absent = picture && (kind === 'layers' || kind === 'map') ? picture.layout.absent.reduce((sum, each) => sum + each, 0) : 0
  const graph = useGraph()
  const client = useQueryClient()
  const highlighted = useShown((shown) => shown.highlighted)
  const differences = useShown((shown) => shown.differences)
  const [quiet, setQuiet] = useState(false)
  const shown = structure.nodes.size
  const total = cut?.total
  return (
    <>
      {cut && !quiet && (
        <div className="notice" role="status" data-testid="graph.notice">
          <span className="grow">{textOf(scope, shown, total)}</span>
          {onMore && <Button onClick={onMore} data-testid="graph.notice.more">{t('graph.load-more', { n: LARGEST_CAP })}</Button>}
          <Button onClick={() => { view.going.go({ screen: 'query', parameters: view.query === undefined ? {} : { q: view.query } }) }} data-testid="graph.notice.narrow">{t('graph.narrow')}</Button>
          <IconButton icon={CloseIcon} label={t('graph.notice-close')} onClick={() => { setQuiet(true) }} />
        </div>
      )}
      {absent > 0 && (
        <div className="notice quiet" role="status" data-testid="graph.absent">
          <span className="grow">{kind === 'map' ? t('graph.placed', { n: shown - absent, count: shown }) : t('graph.layered', { n: shown - absent, count: shown })}</span>
        </div>
      )}
      {newcomers > 0 && (
        <div className="notice quiet" role="status" data-testid="graph.newcomers">
          <span className="grow">{t('graph.newcomers', { n: newcomers })}</span>
          <Button onClick={() => { void client.invalidateQueries({ queryKey: [graph.name, 'structure'] }) }}>{t('graph.show-new')}</Button>
        </div>
      )}
      {lost !== undefined && <div className="notice" role="status" data-testid="graph.lost">{lost === 'lost' ? t('graph.lost') : t('graph.no-webgl')}</div>}
      {wayFrom !== undefined && (
        <div className="notice quiet" role="status">
          <span className="grow">{t('graph.way-from', { name: structure.nodes.get(wayFrom)?.label ?? wayFrom })}</span>
          <Button onClick={() => { useScreen.setState({ wayFrom: undefined }) }}>{t('ui.cancel')}</Button>
        </div>
      )}
      {highlighted.length > 0 && (
        <div className="notice quiet" role="status" data-testid="graph.highlighted">
          <span className="grow">{t('graph.highlighted', { n: highlighted.filter((id) => screen().structure.nodes.has(id)).length, count: highlighted.length })}</span>
          <Button onClick={() => { useShown.setState({ highlighted: [] }) }}>{t('graph.highlight-off')}</Button>
        </div>
      )}
      {differences.size > 0 && (
        <Suspense><Differences view={view} /></Suspense>
      )}
      {view.query !== undefined && (
        <div className="notice quiet" data-testid="graph.query">
          <code className="grow cut">{view.query}</code>
          <span className="hint">{t('frame.twins', { n: shown })}{(state.added ?? []).length > 0 && ` (+${formatNumber((state.added ?? []).length)})`}</span>
          <Button onClick={() => { view.going.step({ q: undefined }) }} data-testid="graph.query.off">{t('graph.whole')}</Button>
        </div>
      )}
      {boxes > 0 && squeezed > boxes * SQUEEZED_SHARE && (
        <div className="notice quiet" role="status">
          <span className="grow">{t('graph.squeezed', { n: squeezed })}</span>
          <Button onClick={onTidy} data-testid="graph.tidy">{t('graph.tidy')}</Button>
        </div>
      )}
    </>
  )
}

function textOf(scope: string, shown: number, total: number | undefined): string {
  if (scope === 'schema') return t('graph.cut-schema', { n: total ?? 0 })
  if (total === undefined) return t('graph.cut-more', { n: shown })
  return scope === 'top' ? t('graph.cut-top', { shown, n: total }) : t('graph.cut', { shown, n: total })
}
