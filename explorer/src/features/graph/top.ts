/** A graph of more twins than can be shown: which models and relationships it is made of, and the top of its boxes (design 2.4). */
import { isObject } from '@/api/json'
import { shortName } from '@/dtdl/model'
import { familyOf } from '@/layout/names'
import { formatNumber } from '@/text/text'
import { type Asked, linesOf, nodesById, rowsOf } from '@/parts/structure/load'
import { listOf, merged, nodeColumns, nodeOf, NOTHING, type Structure } from '@/parts/structure/structure'

export interface SchemaLine { readonly source: string; readonly name: string; readonly target: string; readonly count: number }
export interface Schema { readonly models: ReadonlyMap<string, number>; readonly lines: readonly SchemaLine[] }

const MOST_GROUPS = 5000
/** Names that say containment by themselves, without a look at every twin. */
const LEAST_PRIOR = 0.8
const LEVELS = 2
const DEEPEST = 8

export async function schemaOf(asked: Asked): Promise<Schema> {
  const [models, lines] = await Promise.all([
    rowsOf(asked, 'SELECT T.$metadata.$model AS m, COUNT() AS n FROM DIGITALTWINS T GROUP BY T.$metadata.$model', MOST_GROUPS),
    rowsOf(asked, 'SELECT a.$metadata.$model AS a, r.$relationshipName AS r, b.$metadata.$model AS b, COUNT() AS n FROM DIGITALTWINS MATCH (a)-[r]->(b) GROUP BY a.$metadata.$model, r.$relationshipName, b.$metadata.$model', MOST_GROUPS),
  ])
  return {
    models: new Map(models.flatMap((row) => (isObject(row) && typeof row['m'] === 'string' ? [[row['m'], Number(row['n'] ?? 0)] as const] : []))),
    lines: lines.flatMap((row) => (isObject(row) && typeof row['a'] === 'string' && typeof row['b'] === 'string' && typeof row['r'] === 'string'
      ? [{ source: row['a'], name: row['r'], target: row['b'], count: Number(row['n'] ?? 0) }] : [])),
  }
}

/** The models as a graph of their own: what there is, how often, and how it hangs together. */
export function schemaStructure(schema: Schema): Structure {
  const nodes = [...schema.models].map(([id, count]) => ({ id, model: id, label: `${shortName(id)} ${formatNumber(count)}` }))
  const edges = schema.lines.map(({ source, name, target, count }) => ({ key: `${source}/${name}/${target}`, id: `${name}/${target}`, source, target, name: `${name} ${formatNumber(count)}` }))
  return merged(NOTHING, nodes, edges)
}

/** The models that lie in no other by a name that says so, and those names. */
export function topOf(schema: Schema): { readonly roots: readonly string[]; readonly down: readonly string[]; readonly up: readonly string[] } {
  const down = new Set<string>()
  const up = new Set<string>()
  const inner = new Set<string>()
  const outer = new Set<string>()
  for (const line of schema.lines) {
    const family = familyOf(line.name)
    if (family.prior < LEAST_PRIOR || family.direction === undefined || line.source === line.target) continue
    ;(family.direction === 'down' ? down : up).add(line.name)
    inner.add(family.direction === 'down' ? line.target : line.source)
    outer.add(family.direction === 'down' ? line.source : line.target)
  }
  return { roots: [...outer].filter((model) => !inner.has(model)), down: [...down], up: [...up] }
}

/** Read the roots of the boxes and two levels below them, at most `cap` twins; undefined where there are no boxes. */
export async function topStructure(asked: Asked, schema: Schema, cap: number): Promise<Structure | undefined> {
  const { roots, down, up } = topOf(schema)
  if (roots.length === 0) return undefined
  const rows = await rowsOf(asked, `SELECT ${nodeColumns('T', asked.label)} FROM DIGITALTWINS T WHERE T.$metadata.$model IN ${listOf(roots)}`, cap)
  let structure = merged(NOTHING, rows.slice(0, cap).flatMap((row) => nodeOf(row, asked.label) ?? []), [])
  let level = [...structure.nodes.keys()]
  for (let depth = 0; depth < DEEPEST && level.length > 0 && structure.nodes.size < cap; depth += 1) {
    const lines = [
      ...(down.length > 0 ? (await linesOf(asked, level, 'out')).filter((line) => down.includes(line.name)) : []),
      ...(up.length > 0 ? (await linesOf(asked, level, 'in')).filter((line) => up.includes(line.name)) : []),
    ]
    const all = [...new Set(lines.flatMap((line) => [line.source, line.target]))].filter((id) => !structure.nodes.has(id))
    // The first levels are shown as far as there is room; deeper ones whole or not at all.
    if (depth >= LEVELS && all.length > cap - structure.nodes.size) break
    const ids = all.slice(0, cap - structure.nodes.size)
    structure = merged(structure, await nodesById(asked, ids), lines)
    level = ids
  }
  return structure
}
