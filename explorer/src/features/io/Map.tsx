import type { ReactNode } from 'react'
import { Button } from '@/ui/button'
import { Select } from '@/ui/select'
import type { Models } from '@/dtdl/models'
import { t } from '@/text/text'
import type { Mapping, Role, Table } from './tables'

const SAMPLE_ROWS = 20
const ROLES: readonly Role[] = ['id', 'model', 'source', 'name', 'target', 'relationshipId', 'skip']

interface MapProps { readonly table: Table; readonly mapping: Mapping; readonly models: Models; readonly onChange: (mapping: Mapping) => void; /** It was said before. */ readonly isKept: boolean; readonly onRestart: () => void }

/** What each column of a table is, beside its first rows. */
export function Map({ table, mapping, models, onChange, isKept, onRestart }: MapProps): ReactNode {
  const paths = pathsOf(models, mapping.model)
  const choices = (role: Role): { value: Role; text: string }[] => {
    const all: Role[] = [...ROLES, ...paths]
    if (!all.includes(role)) all.push(role)
    return all.map((value) => ({ value, text: value.startsWith('/') ? value.slice(1).replaceAll('/', '.') : t(`io.role-${value as 'id' | 'model' | 'source' | 'name' | 'target' | 'relationshipId' | 'skip'}`) }))
  }
  return (
    <section className="card io-map" aria-label={table.name} data-testid="io.map">
      <div className="row"><h2 className="grow cut">{table.name}</h2>
        {isKept && <Button look="quiet" onClick={onRestart} data-testid="io.restart">{t('form.restart')}</Button>}
        <span className="secondary">{t('io.model-of-rows')}</span>
        <div className="io-model"><Select label={t('io.model-of-rows')} value={mapping.model} placeholder={t('io.none')} choices={models.all.map((model) => ({ value: model.id, text: models.name(model.id), hint: model.id }))} onChange={(model) => { onChange({ ...mapping, model }) }} testId="io.model" /></div>
      </div>
      <div className="scroll io-sample" tabIndex={0}>
        <table>
          <thead>
            <tr>{table.titles.map((title, index) => <th key={index}>{title}</th>)}</tr>
            <tr>{table.titles.map((title, index) => { const role = mapping.roles[index] ?? 'skip'; return <th key={index}><Select label={t('io.column', { title })} value={role} choices={choices(role)} onChange={(next) => { onChange({ ...mapping, roles: mapping.roles.map((each, at) => (at === index ? next : each)) }) }} testId={`io.role.${title}`} /></th> })}</tr>
          </thead>
          <tbody>{table.rows.slice(0, SAMPLE_ROWS).map((row, index) => <tr key={index}>{table.titles.map((_title, at) => <td key={at}>{String(row[at] ?? '')}</td>)}</tr>)}</tbody>
        </table>
      </div>
    </section>
  )
}

/** Paths of properties of a model; of all models where none is named. */
function pathsOf(models: Models, model: string | undefined): readonly Role[] {
  const of = model === undefined ? models.all : models.all.filter((each) => each.id === model)
  const paths = of.flatMap((each) => each.contents.flatMap((content): Role[] => {
    if (content.kind === 'property') return [`/${content.name}`]
    if (content.kind !== 'component' || content.model === undefined) return []
    return (models.get(content.model)?.contents ?? []).filter((inner) => inner.kind === 'property').map((inner): Role => `/${content.name}/${inner.name}`)
  }))
  return [...new Set(paths)].sort()
}
