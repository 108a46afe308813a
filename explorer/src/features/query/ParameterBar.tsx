import type { ReactNode } from 'react'
import { t } from '@/text/text'
import { changeTab, type QueryTab } from './tabs'

/** Values of what the text calls `$name`: JSON where it is some, else a text. */
export function ParameterBar({ tab, names, onRun }: { tab: QueryTab; names: readonly string[]; onRun: () => void }): ReactNode {
  if (names.length === 0) return null
  return (
    <form className="query-parameter-bar" aria-label={t('query.parameters')} onSubmit={(event) => { event.preventDefault(); onRun() }}>
      {names.map((name) => (
        <label key={name} className="row">
          <span className="mono">{`$${name}`}</span>
          <input className="input mono" value={tab.values[name] ?? ''} placeholder={t('query.parameter-hint')} onChange={(event) => { changeTab(tab.id, { values: { ...tab.values, [name]: event.target.value } }) }} data-testid={`query.parameter.${name}`} />
        </label>
      ))}
      <button type="submit" hidden />
    </form>
  )
}
