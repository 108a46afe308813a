import type { ReactNode } from 'react'
import { Button } from '@/ui/button'
import { Select } from '@/ui/select'
import type { Models } from '@/dtdl/models'
import { t } from '@/text/text'
import { afterModel, rolesOf, slotsFor } from './mapping'
import type { Mapping, Role, Table } from './tables'

const SAMPLE_ROWS = 20
const ROLES: readonly Role[] = ['id', 'model', 'source', 'name', 'target', 'relationshipId', 'skip']

interface MapProps { readonly table: Table; readonly mapping: Mapping; readonly models: Models; readonly onChange: (mapping: Mapping) => void; /** It was said before. */ readonly isKept: boolean; readonly onRestart: () => void }

/** What each column of a table is, beside its first rows. */
export function Map({ table, mapping, models, onChange, isKept, onRestart }: MapProps): ReactNode {
  const slots = slotsFor(models, mapping)
  const choices = (role: Role, title: string): { value: Role; text: string }[] => {
    const all: Role[] = [...ROLES, ...slots.flatMap((each) => rolesOf(each, title))]
    if (!all.includes(role)) all.push(role)
    return all.map((value) => ({ value, text: value.startsWith('/') ? value.slice(1).replaceAll('/', '.') : t(`io.role-${value as 'id' | 'model' | 'source' | 'name' | 'target' | 'relationshipId' | 'skip'}`) }))
  }
  return (
    <section className="card io-map" aria-label={table.name} data-testid="io.map">
      <div className="row"><h2 className="grow cut">{table.name}</h2>
        {isKept && <Button look="quiet" onClick={onRestart} data-testid="io.restart">{t('form.restart')}</Button>}
        <span className="secondary">{t('io.model-of-rows')}</span>
        <div className="io-model"><Select label={t('io.model-of-rows')} value={mapping.model} placeholder={t('io.none')} choices={models.all.map((model) => ({ value: model.id, text: models.name(model.id), hint: model.id }))} onChange={(model) => { onChange(afterModel(table, mapping, model, models)) }} testId="io.model" /></div>
      </div>
      <div className="scroll io-sample" tabIndex={0}>
        <table>
          <thead>
            <tr>{table.titles.map((title, index) => <th key={index}>{title}</th>)}</tr>
            <tr>{table.titles.map((title, index) => { const role = mapping.roles[index] ?? 'skip'; return <th key={index}><Select label={t('io.column', { title })} value={role} choices={choices(role, title)} onChange={(next) => { onChange({ ...mapping, roles: mapping.roles.map((each, at) => (at === index ? next : each)) }) }} testId={`io.role.${title}`} /></th> })}</tr>
          </thead>
          <tbody>{table.rows.slice(0, SAMPLE_ROWS).map((row, index) => <tr key={index}>{table.titles.map((_title, at) => <td key={at}>{String(row[at] ?? '')}</td>)}</tr>)}</tbody>
        </table>
      </div>
    </section>
  )
}
