import { lazy, type ReactNode, Suspense } from 'react'
import { Select } from '@/ui/select'
import type { Models } from '@/dtdl/models'
import { useGoing } from '@/state/url'
import { t } from '@/text/text'
import { Button } from '@/ui/button'
import { CompareIcon } from '@/ui/icons'
import { type Counts, sortedByName } from './data'
import { useHolding } from './holding'
import { compareContents, describe, type Difference } from './schema'

const MergeTexts = lazy(() => import('./MergeTexts'))

function stem(id: string): string { return id.replace(/;[\d.]*$/, '') }

/** Other versions of a model, and its difference to any other. */
export function Versions({ models, counts, id, onChoose }: { models: Models; counts: Counts | undefined; id: string; onChoose: (id: string) => void }): ReactNode {
  const going = useGoing()
  const other = going.place.parameters.with
  const versions = models.all.filter((model) => stem(model.id) === stem(id)).map((model) => model.id)
  return (
    <div className="models-versions" data-testid="models.versions">
      {versions.map((each) => (
        <div key={each} className="models-version">
          <button type="button" className="models-link" onClick={() => { onChoose(each) }} {...(each === id && { 'aria-current': 'true' as const })}><code>{each}</code></button>
          {models.get(each)?.decommissioned && <span className="tag warn">{t('models.decommissioned')}</span>}
          <span className="grow" />
          <span className="secondary num">{t('models.n-twins', { n: counts?.own.get(each) ?? 0 })}</span>
          {each !== id && <Button icon={CompareIcon} onClick={() => { going.adjust({ with: each }) }}>{t('models.compare')}</Button>}
        </div>
      ))}
      <div className="row models-with"><span className="secondary">{t('models.compare-with')}</span>
        <Select label={t('models.compare-with')} value={other} placeholder={t('models.any-model')} choices={sortedByName(models, models.all.map((model) => model.id).filter((each) => each !== id)).map((value) => ({ value, text: models.name(value), hint: value }))} onChange={(value) => { going.adjust({ with: value }) }} testId="models.with" />
      </div>
      {other !== undefined && models.get(other) && <Compared models={models} counts={counts} before={id} after={other} />}
    </div>
  )
}

function Compared({ models, counts, before, after }: { models: Models; counts: Counts | undefined; before: string; after: string }): ReactNode {
  const differences = compareContents(models.get(before)?.contents ?? [], models.get(after)?.contents ?? [])
  const twins = counts?.own.get(before) ?? 0
  const holding = useHolding(before, differences)
  return (
    <>
      <p className="secondary">{differences.length === 0 ? t('models.equal') : t('models.meaning', { n: twins })}</p>
      {differences.length > 0 && (
        <table className="models-contents even" data-testid="models.compare">
          <thead><tr><th>{t('models.name')}</th><th>{t('models.change')}</th><th>{t('models.before')}</th><th>{t('models.after')}</th><th>{t('models.for-twins')}</th></tr></thead>
          <tbody>{differences.map((each) => (
            <tr key={each.name}>
              <td><code>{each.name}</code></td>
              <td><span className={`tag ${each.what === 'added' ? 'ok' : each.what === 'removed' ? 'danger' : 'warn'}`}>{t(`models.${each.what}`)}</span></td>
              <td><code>{each.before ? describe(each.before.schema) || each.before.kind : ''}</code></td>
              <td><code>{each.after ? describe(each.after.schema) || each.after.kind : ''}</code></td>
              <td className="secondary num">{meaningOf(each, twins, holding.data?.get(each.name), holding.isFetching)}</td>
            </tr>
          ))}</tbody>
        </table>
      )}
      <Suspense><MergeTexts before={before} after={after} /></Suspense>
    </>
  )
}

/** `holding` are twins with a value, or relationships; undefined where nobody could ask. */
function meaningOf({ what, before, after }: Difference, twins: number, holding: number | undefined, asking: boolean): string {
  if (what === 'added') return after?.kind === 'component' ? t('models.needs-component', { n: twins }) : t('models.nothing-needed')
  if (before?.kind === 'telemetry' || before?.kind === 'command') return t('models.nothing-needed')
  if (holding === undefined && asking) return '…'
  const n = holding ?? twins
  if (n === 0) return t('models.none-has-it')
  if (before?.kind === 'relationship') return t(what === 'removed' ? 'models.loses-relationships' : 'models.checks-relationships', { n })
  return t(what === 'removed' ? 'models.loses' : 'models.checks', { n })
}
