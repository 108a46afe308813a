/** What may stand where the cursor is in openCypher: labels, relationship names, properties, functions, words. */
import type { ResolvedSchema } from '@/dtdl/model'
import { closing, type Completion, literals, lowered, matching, modelIds, type Option, optionOf, relationships } from '../complete'
import { contentsOf, type Facts, type Member, membersAt, membersOf, modelsOf } from '../facts'
import type { Scope } from '../scope'
import type { Statement, Token } from '../tokens'
import { type Clause, clauseOf, comparedPath, endsValue, pathBefore, spotOf } from './place'
import { cypherScopeOf, labelOf } from './scope'
import { tokenize } from './tokens'
import { AGGREGATES, FUNCTIONS, LEFT_OUT, saysOf, written } from './words'

const TAIL = ['ORDER BY', 'SKIP', 'LIMIT']
const CLAUSES = ['MATCH', 'OPTIONAL MATCH', 'WHERE', 'WITH', 'UNWIND', 'RETURN', 'UNION', 'UNION ALL']
const CONDITION = ['AND', 'OR', 'XOR', 'IN', 'STARTS WITH', 'ENDS WITH', 'CONTAINS', 'IS NULL', 'IS NOT NULL']
const CASE_GOES_ON = ['WHEN', 'THEN', 'ELSE', 'END', 'AND', 'OR', 'IS NULL', 'IS NOT NULL']
const OPERAND = ['NOT', 'EXISTS', 'CASE', 'TRUE', 'FALSE', 'NULL']
const GO_ON: Readonly<Record<Clause, readonly string[]>> = {
  '': CLAUSES, EXPLAIN: CLAUSES, MATCH: CLAUSES, WHERE: [...CONDITION, ...CLAUSES], RETURN: ['AS', ...TAIL, 'UNION', 'UNION ALL'],
  WITH: ['AS', 'WHERE', ...TAIL, ...CLAUSES], UNWIND: ['AS', ...CLAUSES], ORDER: ['ASC', 'DESC', 'SKIP', 'LIMIT', ...CLAUSES],
  SKIP: ['LIMIT', ...CLAUSES], LIMIT: CLAUSES, UNION: ['ALL', 'MATCH', 'RETURN', 'UNWIND'], CASE: CASE_GOES_ON,
}

/** Words of which the first is none that the server refuses. */
function keywords(words: readonly string[]): Option[] {
  return [...new Set(words)].filter((word) => !LEFT_OUT.has(word.split(' ')[0] ?? '')).map((label) => ({ label, kind: 'keyword' }))
}

/** Stands for what is being typed, so that what follows it is not taken for it. */
const HOLE: Token = { kind: 'bad', text: '', key: '', start: -1, end: -1, open: false }

/** Return what may stand at a place of a statement, the likeliest first. */
export function completeCypher(statement: Statement, cursor: number, facts: Facts): Completion {
  const begin = Math.min(statement.start, cursor)
  const text = statement.text
  const before = tokenize(text.slice(0, cursor - begin))
  const behind = text.slice(cursor - begin)
  const last = before.at(-1)
  let typed = ''
  if (last?.open === true) { before.pop(); typed = last.text.slice(1) } else if (last?.kind === 'word' && last.end === cursor - begin) { before.pop(); typed = last.text }
  const quote = last?.open === true ? last.text[0] ?? '' : ''
  const rest = tokenize(quote === '' ? behind : behind.replace(new RegExp(`^[^${quote}\\n]*${quote}?`), ' '))
  const scope = cypherScopeOf([...before, HOLE, ...rest], facts.models)
  const from = cursor - typed.length
  if (quote === "'" || quote === '"') return inString({ before, scope, facts, typed, quote, from, cursor, behind })
  if (quote === '`') {
    const options = matching(inText(before, scope, facts, true), typed, true).map((each) => ({ ...each, insert: `${(each.insert ?? each.label).replace(/^`|`$/g, '')}\`` }))
    return { from, to: cursor + (/^[^`\n]*`/.exec(behind)?.[0].length ?? 0), options }
  }
  const found = matching(inText(before, scope, facts, false), typed, false)
  return { from, to: cursor, options: lowered(found, typed) }
}

interface InString { readonly before: readonly Token[]; readonly scope: Scope; readonly facts: Facts; readonly typed: string; readonly quote: string; readonly from: number; readonly cursor: number; readonly behind: string }

function inString({ before, scope, facts, typed, quote, from, cursor, behind }: InString): Completion {
  const path = comparedPath(before)
  const name = path.at(-1)
  const last = before.length - 1
  const ofModel = before[last]?.key === ',' && before[last - 2]?.key === '(' && before[last - 3]?.key === 'IS_OF_MODEL'
  const options = ofModel || name === '$model' ? modelIds(facts)
    : literals(comparedSchema(path, scope, facts)).filter((each) => each.insert?.startsWith("'") === true).map((each) => ({ ...each, insert: each.label }))
  const closed = matching(options, typed, true).map((each) => ({ ...each, insert: closing(each.insert ?? each.label, quote) }))
  const to = cursor + ((quote === '"' ? /^[\w.:;$-]*"/ : /^[\w.:;$-]*'/).exec(behind)?.[0].length ?? 0)
  const isTwin = name === '$dtId' || name === '$sourceId' || name === '$targetId'
  return { from, to, options: closed, ...(isTwin && { twins: { beginning: typed, models: name === '$dtId' ? modelsOf(scope, path[0] ?? '', facts) : undefined } }) }
}

function comparedSchema(path: readonly string[], scope: Scope, facts: Facts): ResolvedSchema | undefined {
  const [first = '', ...rest] = path
  if (rest.length === 0 || !scope.aliases.has(first)) return undefined
  const schema = membersAt(scope, first, rest.slice(0, -1), facts).find((each) => each.name === path.at(-1))?.content?.schema
  return schema?.kind === 'array' ? schema.element : schema
}

function members(found: readonly Member[]): Option[] { return found.filter((each) => each.kind !== 'relationship').map((each) => optionOf(each, written)) }

/** The words by which models are named, those with most twins first. */
function labels(facts: Facts, ids: boolean): Option[] {
  const seen = new Map<string, Option>()
  for (const each of modelIds(facts)) {
    const id = each.insert ?? ''
    const label = labelOf(id)
    const count = facts.twins.get(id) ?? 0
    const option: Option = { label, insert: written(label, true), kind: 'model', also: each.label, detail: count > 0 ? `${id} · ${count}` : id, ...(each.info !== undefined && { info: each.info }) }
    if (!seen.has(label)) seen.set(label, option)
  }
  if (ids) return modelIds(facts).map((each) => ({ ...each, label: each.insert ?? each.label, also: each.label }))
  return [...seen.values(), { label: 'Twin', kind: 'model', info: 'Every twin.' }, { label: 'Model', kind: 'model', info: 'The stored models; it stands alone.' }]
}

function inText(before: readonly Token[], scope: Scope, facts: Facts, quoted: boolean): Option[] {
  const { clause, open } = clauseOf(before)
  const path = pathBefore(before)
  const last = before.at(-1)?.key ?? ''
  if (path.length > 0) return scope.aliases.has(path[0] ?? '') ? members(membersAt(scope, path[0] ?? '', path.slice(1), facts)) : []
  if (last === '.') return []
  const spot = spotOf(before, clause, open)
  if (spot.kind === 'label') return labels(facts, quoted)
  if (spot.kind === 'type') return relationships(contentsOf(spot.source === '' ? undefined : modelsOf(scope, spot.source, facts), facts), written)
  if (spot.kind === 'map') return mapNames(spot.of, spot.labels, spot.edge, scope, facts)
  if (spot.kind === 'pattern') return []
  if (last === 'ORDER') return keywords(['BY'])
  if (last === 'OPTIONAL') return keywords(['MATCH'])
  if (last === 'STARTS' || last === 'ENDS') return [{ label: 'WITH', kind: 'keyword' }]
  if (last === 'IS') return keywords(['NULL', 'NOT NULL'])
  if (last === 'AS' || last === 'SKIP' || last === 'LIMIT' || last === 'MATCH') return []
  if (clause === '' || clause === 'EXPLAIN') return keywords([...(clause === '' ? ['EXPLAIN'] : []), 'MATCH', 'OPTIONAL MATCH', 'WITH', 'UNWIND', 'RETURN'])
  if (last === 'UNION') return keywords(GO_ON.UNION)
  if (endsValue(before)) return keywords(GO_ON[clause])
  return expression(clause, last, scope)
}

/** Names in `(n:Room {` are those of its labels, also where nothing has a name. */
function mapNames(of: string, named: readonly string[], edge: boolean, scope: Scope, facts: Facts): Option[] {
  if (of !== '' && scope.aliases.has(of)) return members(membersOf(scope, of, facts))
  const hidden = tokenize(edge ? `MATCH ()-[__here${named.map((each, at) => `${at === 0 ? ':' : '|'}\`${each}\``).join('')}]->()` : `MATCH (__here${named.map((each) => `:\`${each}\``).join('')})`)
  return members(membersOf(cypherScopeOf(hidden, facts.models), '__here', facts))
}

function expression(clause: Clause, last: string, scope: Scope): Option[] {
  const aggregates = clause === 'RETURN' || clause === 'WITH' || clause === 'ORDER'
  const functions = FUNCTIONS.filter((name) => aggregates || !AGGREGATES.has(name)).sort((one, other) => Number(AGGREGATES.has(other)) - Number(AGGREGATES.has(one)))
  const begin = last === 'RETURN' || last === 'WITH' ? ['DISTINCT', '*'] : []
  return [
    ...[...scope.aliases].map(([label, kind]): Option => ({ label, insert: written(label), kind: 'alias', detail: kind })),
    ...functions.map((name): Option => { const [signature, says] = saysOf(name); return { label: name, insert: `${name}(`, kind: 'function', detail: signature, ...(says !== '' && { info: says }) } }),
    ...keywords([...begin, ...OPERAND]),
  ]
}
