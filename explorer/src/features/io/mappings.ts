/** What columns were said to be: a file is gone after a reload, what was said of it is not. */
import type { Json } from '@/api/json'
import { formsOf, keepForm, readForm, textIn } from '@/parts/form/kept'
import type { Mapping, Role, Table } from './tables'

const KIND = 'columns'
const LONGEST_NAME = 2000
const MOST_NAMED = 3

/** A table is the same one if its name and its titles are. */
function nameOf(table: Table): string { return [table.name, ...table.titles].join('\n').slice(0, LONGEST_NAME) }

function isRole(value: Json): value is Role { return typeof value === 'string' && (value.startsWith('/') || ['id', 'model', 'source', 'name', 'target', 'relationshipId', 'skip'].includes(value)) }

export function keepMapping(graph: string, table: Table, mapping: Mapping | undefined): void {
  keepForm(graph, KIND, nameOf(table), mapping && { aside: true, value: mapping })
}

/** What was said of these tables before, by name. */
export function keptMappings(graph: string, tables: readonly Table[]): ReadonlyMap<string, Mapping> {
  return new Map(tables.flatMap((table) => {
    const kept = readForm(graph, KIND, nameOf(table))?.value
    const roles = kept?.['roles']
    if (!kept || !Array.isArray(roles) || roles.length !== table.titles.length || !(roles as readonly Json[]).every(isRole)) return []
    return [[table.name, { roles: roles as readonly Role[], model: textIn(kept, 'model') }] as const]
  }))
}

/** Names of tables of which something was said. */
export function mappedTables(graph: string): readonly string[] {
  return formsOf(graph, KIND).map((name) => name.split('\n')[0] ?? '').slice(0, MOST_NAMED)
}
