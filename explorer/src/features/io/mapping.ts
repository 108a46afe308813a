/** What the columns of a table are taken for before anybody says, and what they can be. */
import type { Models } from '@/dtdl/models'
import { type Slot, propertiesOfRelationships, slotsOf, slotsOfProperties } from './slots'
import { byConvention, type Mapping, matched, type Role, type Table } from './tables'

/** What a table says of itself: its titles, and the model that a remark names. */
export function mappingOf(table: Table, models: Models): Mapping { return mappingFor(table, table.model, models) }

function mappingFor(table: Table, model: string | undefined, models: Models): Mapping {
  const roles = byConvention(table.titles)
  return { roles: matched(table.titles, roles, slotsFor(models, { roles, model })), model }
}

/** The mapping once another model is chosen: columns that nobody chose anything for follow it. */
export function afterModel(table: Table, mapping: Mapping, model: string | undefined, models: Models): Mapping {
  const [before, after] = [mappingFor(table, mapping.model, models), mappingFor(table, model, models)]
  return { roles: mapping.roles.map((role, at) => (role === before.roles[at] ? after.roles[at] ?? role : role)), model }
}

/** Where values of a table may go: of its model, of all models where it names none, of relationships where its rows are such. */
export function slotsFor(models: Models, { roles, model }: Mapping): readonly Slot[] {
  const found = roles.includes('source') && roles.includes('target')
    ? slotsOfProperties(propertiesOfRelationships(models, { model }))
    : (model === undefined ? models.all.map((each) => each.id) : [model]).flatMap((id) => slotsOf(models, id))
  return [...new Map(found.map((each) => [each.path, each])).values()].sort((one, other) => one.path.localeCompare(other.path))
}

/** A column fills a property, or one key of a map. */
export function rolesOf({ path, schema }: Slot, title: string): readonly Role[] {
  const role: Role = `/${path.replaceAll('.', '/')}`
  const key = title.trim().split('.').at(-1) ?? ''
  return schema.kind === 'map' && key !== '' && !key.includes('/') ? [role, `${role}/${key}`] : [role]
}
