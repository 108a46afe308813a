import { type ReactNode, useMemo, useState } from 'react'
import type { GraphView, Looks } from '@/graph/types'
import { NO_LOOKS } from '@/parts/structure/Canvas'
import { QUIET, Still } from '@/parts/structure/Still'
import { t } from '@/text/text'
import { IconButton } from '@/ui/button'
import { AddIcon, FitIcon, RemoveIcon } from '@/ui/icons'
import { type Became, becameOf, marksOf } from './became'
import { MOST_DRAWN } from './contents'
import type { Brought } from './useBrought'

const STEP = 1.6
const MARKED = ['new', 'changed', 'refused'] as const
const NONE: ReadonlyMap<string, Became> = new Map()

/** The graph that the file would make, its first twins: what is new, what changes, what is refused is marked. */
export function Preview({ brought, refused }: { brought: Brought; refused: readonly number[] }): ReactNode {
  const { contents, there, structure, models } = brought
  const became = useMemo(() => {
    if (!contents) return NONE
    const all = becameOf(contents, there?.twins ?? new Map(), there?.lines ?? new Map(), refused)
    // Where nobody may ask what there is, only refusals are known.
    return there ? all : new Map([...all].filter(([, what]) => what === 'refused'))
  }, [contents, there, refused])
  const looks = useMemo((): Looks => ({ ...NO_LOOKS, differences: marksOf(became) }), [became])
  const [view, setView] = useState<GraphView>()
  const zoom = (factor: number): void => { if (view) view.setCamera({ ...view.camera(), ratio: view.camera().ratio * factor }) }
  if (!contents || !structure || structure.nodes.size === 0) return null
  const twins = [...contents.twins.keys()].map((id) => became.get(id))
  const cut = contents.counts.twins > MOST_DRAWN
  return (
    <figure className="io-preview" aria-label={t('io.preview')}>
      <figcaption className="row secondary">
        <span className="grow">{cut ? t('io.preview-cut', { n: MOST_DRAWN }) : t('io.preview')}</span>
        {MARKED.map((each) => <span key={each} className="row num" data-testid={`io.preview.${each}`}><i className={`io-mark ${each}`} aria-hidden>{each === 'new' ? '+' : ''}</i>{t(`io.${each}`)} <b>{twins.filter((what) => what === each).length}</b></span>)}
        <span className="row">
          <IconButton icon={RemoveIcon} label={t('io.farther')} onClick={() => { zoom(STEP) }} />
          <IconButton icon={AddIcon} label={t('io.nearer')} onClick={() => { zoom(1 / STEP) }} />
          <IconButton icon={FitIcon} label={t('io.fit')} onClick={() => { view?.fit() }} />
        </span>
      </figcaption>
      <Still structure={structure} models={models} looks={looks} events={QUIET} className="io-picture" testId="io.preview" onView={setView}
        say={(id, label) => { const what = became.get(id); return what === undefined ? label : `${label}: ${t(`io.${what}`)}` }} />
    </figure>
  )
}
