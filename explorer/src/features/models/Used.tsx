import type { ReactNode } from 'react'
import type { Models } from '@/dtdl/models'
import { lookOf } from '@/state/looks'
import { formatNumber, t } from '@/text/text'
import { MarkIcon } from '@/ui/mark'
import { type Counts, countWithin, sortedByName } from './data'

export interface Uses {
  readonly heirs: readonly string[]
  readonly holders: readonly string[]
  readonly targets: readonly string[]
}

/** Who extends a model, has it as a component, or points at it. */
export function usesOf(models: Models, id: string): Uses {
  const having = (kind: 'component' | 'relationship'): string[] => models.all
    .filter((model) => model.contents.some((each) => each.kind === kind && each.definedBy === model.id && (kind === 'component' ? each.model : each.target) === id))
    .map((model) => model.id)
  return { heirs: sortedByName(models, models.children(id)), holders: sortedByName(models, having('component')), targets: sortedByName(models, having('relationship')) }
}

export function Used({ models, counts, id, onChoose }: { models: Models; counts: Counts | undefined; id: string; onChoose: (id: string) => void }): ReactNode {
  const uses = usesOf(models, id)
  const groups = [['heirs', uses.heirs], ['holders', uses.holders], ['targets', uses.targets]] as const
  return (
    <div className="models-used" data-testid="models.used">
      <h3>{t('models.twins')}</h3>
      <p className="num">{t('models.n-twins', { n: counts?.own.get(id) ?? 0 })}, {t('models.with-heirs', { n: countWithin(models, counts, id) })}</p>
      {groups.map(([name, ids]) => (
        <section key={name}>
          <h3>{t(`models.${name}`)} <span className="num">{formatNumber(ids.length)}</span></h3>
          {ids.map((each) => <button key={each} type="button" className="chip" onClick={() => { onChoose(each) }}><MarkIcon look={lookOf(models, each)} /><span className="cut">{models.name(each)}</span></button>)}
        </section>
      ))}
    </div>
  )
}
