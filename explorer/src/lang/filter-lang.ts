/** The filter language of routes and of the feed: pieces of a line, and what may stand where. */
import { shortName } from '@/dtdl/model'
import { type Completion, matching, type Option } from './complete'
import { contentsOf, type Facts, type Member } from './facts'
import type { LineState, Piece, Style } from './highlight'

const FUNCTIONS: readonly Option[] = [
  { label: 'CHANGED', insert: 'CHANGED(', kind: 'function', detail: '(path)', info: 'True for an update whose patch touches the property.' },
  { label: 'STARTS_WITH', insert: 'STARTS_WITH(', kind: 'function', detail: '(text, beginning)', info: 'The text begins so.' },
  { label: 'ENDS_WITH', insert: 'ENDS_WITH(', kind: 'function', detail: '(text, end)', info: 'The text ends so.' },
  { label: 'CONTAINS', insert: 'CONTAINS(', kind: 'function', detail: '(text, part)', info: 'The text holds this.' },
]

const ATTRIBUTES: readonly Option[] = [
  { label: 'type', kind: 'system', info: 'What kind of event it is.' },
  { label: 'subject', kind: 'system', info: 'The twin or relationship; telemetry’s component.' },
  { label: '$body', kind: 'system', detail: 'object', info: 'The body, or with a dot a value in it.' },
  { label: '$changed', kind: 'system', detail: 'object', info: 'With a dot: the value that an update gave to a property.' },
  { label: 'time', kind: 'system', info: 'When it happened, as text; not there for telemetry.' },
  { label: 'dataschema', kind: 'system', info: 'The model of telemetry.' },
  { label: 'source', kind: 'system', info: 'The host of the graph.' },
  { label: 'id', kind: 'system', info: 'The id of the event.' },
  { label: 'specversion', kind: 'system', info: 'The version of CloudEvents.' },
  { label: 'datacontenttype', kind: 'system', info: 'The media type of the body.' },
]

export const EVENT_TYPES: readonly Option[] = [
  ['Microsoft.DigitalTwins.Twin.Update', 'Values of a twin changed.'], ['Microsoft.DigitalTwins.Twin.Create', 'A twin was created.'],
  ['Microsoft.DigitalTwins.Twin.Delete', 'A twin was deleted.'], ['Microsoft.DigitalTwins.Relationship.Create', 'A relationship was created.'],
  ['Microsoft.DigitalTwins.Relationship.Update', 'Values of a relationship changed.'], ['Microsoft.DigitalTwins.Relationship.Delete', 'A relationship was deleted.'],
  ['microsoft.iot.telemetry', 'Telemetry of a twin or a component.'],
].map(([label = '', info = '']): Option => ({ label, kind: 'value', info }))

const WORDS: readonly Option[] = ['NOT', 'true', 'false', 'null'].map((label) => ({ label, kind: 'keyword' }))
const GO_ON: readonly Option[] = ['AND', 'OR'].map((label) => ({ label, kind: 'keyword' }))
const SIGNS: readonly Option[] = ['=', '!=', '>', '>=', '<', '<='].map((label) => ({ label, insert: `${label} `, kind: 'keyword' }))

const PIECE = /(?<string>'(?:[^'\\]|\\.|'')*(?:'|\\?$))|(?<word>[\p{L}_$][\p{L}\p{N}_$.-]*)|(?<number>-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)|(?<operator><=|>=|!=|[=<>(),])|(?<blank>\s+)|(?<bad>.)/uy
const KEYWORDS = new Set(['AND', 'OR', 'NOT'])
const CONSTANTS = new Set(['TRUE', 'FALSE', 'NULL'])
const CALLS = new Set(['CHANGED', 'STARTS_WITH', 'ENDS_WITH', 'CONTAINS'])

/** Return the piece of a line that begins at a place. */
export function filterPieceAt(line: string, from: number, state: LineState): Piece {
  PIECE.lastIndex = from
  const groups = PIECE.exec(line)?.groups ?? {}
  const [kind, text = ''] = Object.entries(groups).find(([, value]) => value !== undefined) ?? ['bad', ' ']
  const length = Math.max(1, text.length)
  const key = text.toUpperCase()
  const style: Style | undefined = kind === 'blank' ? undefined : kind !== 'word' ? (kind as Style)
    : KEYWORDS.has(key) ? 'keyword' : CONSTANTS.has(key) ? 'literal' : CALLS.has(key) ? 'function' : text.startsWith('$') ? 'field' : 'name'
  return { length, style, state: style === undefined ? state : { last: kind === 'word' ? key : text } }
}

interface FilterToken { readonly kind: string; readonly text: string; readonly start: number; readonly end: number; readonly open: boolean }

function tokensOf(text: string): FilterToken[] {
  const tokens: FilterToken[] = []
  for (const match of text.matchAll(new RegExp(PIECE.source.replace('$)', '$)'), 'gsu'))) {
    const [kind = 'bad'] = Object.entries(match.groups ?? {}).find(([, value]) => value !== undefined) ?? []
    if (kind === 'blank') continue
    tokens.push({ kind, text: match[0], start: match.index, end: match.index + match[0].length, open: kind === 'string' && !/^'(?:[^'\\]|\\.|'')*'$/s.test(match[0]) })
  }
  return tokens
}

/** Return what may stand at a place of a filter, the likeliest first. */
export function completeFilter(text: string, cursor: number, facts: Facts): Completion {
  const tokens = tokensOf(text.slice(0, cursor))
  const last = tokens.at(-1)
  if (last?.open === true) {
    const typed = last.text.slice(1)
    const end = text.slice(cursor).startsWith("'") ? '' : "'"
    const options = matching(inString(tokens.slice(0, -1), facts), typed, true)
    return { from: last.start + 1, to: cursor, options: options.map((each) => ({ ...each, insert: (each.insert ?? each.label).replaceAll("'", "''") + end })) }
  }
  const word = last?.kind === 'word' && last.end === cursor ? last.text : ''
  const before = word === '' ? tokens : tokens.slice(0, -1)
  const dot = word.lastIndexOf('.') + 1
  const typed = word.slice(dot)
  const options = dot > 0 ? behindDot(word.slice(0, dot - 1).split('.'), before, facts) : atWord(before, facts)
  return { from: cursor - typed.length, to: cursor, options: matching(options, typed, false) }
}

function atWord(before: readonly FilterToken[], facts: Facts): readonly Option[] {
  const last = before.at(-1)
  const key = last?.text.toUpperCase() ?? ''
  if (last === undefined || KEYWORDS.has(key)) return [...ATTRIBUTES, ...FUNCTIONS, ...WORDS]
  if (key === '(' && before.at(-2)?.text.toUpperCase() === 'CHANGED') return fields(contentsOf(undefined, facts))
  if (key === '(' || key === ',') return [...ATTRIBUTES, ...FUNCTIONS]
  if (last.kind === 'operator' && key !== ')') return [...quoted(compared(before, facts)), ...WORDS.slice(1), ...ATTRIBUTES]
  const compares = before.at(-2)?.kind === 'operator' && /^[=<>!]/.test(before.at(-2)?.text ?? '')
  return key === ')' || compares || CONSTANTS.has(key) ? GO_ON : SIGNS
}

function quoted(options: readonly Option[]): Option[] { return options.map((each) => ({ ...each, insert: `'${(each.insert ?? each.label).replaceAll("'", "''")}'` })) }

function fields(members: readonly Member[]): Option[] {
  return members.filter((each) => each.kind !== 'relationship').map((each): Option => ({
    label: each.name, kind: each.kind, detail: each.unit === undefined ? each.type : `${each.type} · ${each.unit}`, ...(each.says !== undefined && { info: each.says }),
  }))
}

function behindDot(path: readonly string[], before: readonly FilterToken[], facts: Facts): readonly Option[] {
  const [first, ...rest] = path
  if (first === '$body' && rest.length === 0) return [...fields(contentsOf(undefined, facts)), { label: '$metadata', kind: 'system', detail: 'object' }, { label: '$dtId', kind: 'system', detail: 'string' }, { label: 'modelId', kind: 'system', detail: 'string', info: 'The model, in the body of an update.' }]
  if (first === '$body' && rest[0] === '$metadata') return [{ label: '$model', kind: 'system', detail: 'string' }]
  const isChanged = before.at(-1)?.text === '(' && before.at(-2)?.text.toUpperCase() === 'CHANGED'
  const steps = first === '$body' || first === '$changed' ? rest : isChanged ? path : undefined
  return steps === undefined ? [] : fields(inside(steps, facts))
}

function inside(steps: readonly string[], facts: Facts): readonly Member[] {
  let members = contentsOf(undefined, facts)
  for (const step of steps) {
    const model = members.find((each) => each.name === step)?.content?.model
    if (model === undefined) return []
    members = contentsOf(new Set([model]), facts)
  }
  return members
}

/** The values that a comparison before the cursor may be with. */
function compared(before: readonly FilterToken[], facts: Facts): readonly Option[] {
  const operand = before.at(-2)?.text ?? ''
  if (operand === 'type') return EVENT_TYPES
  if (/^(?:\$body\.(?:modelId|\$metadata\.\$model)|dataschema)$/.test(operand)) return modelIds(facts)
  const path = operand.split('.')
  if (path[0] !== '$body' && path[0] !== '$changed') return []
  const schema = inside(path.slice(1, -1), facts).find((each) => each.name === path.at(-1))?.content?.schema
  return schema?.kind === 'enum' && typeof schema.values[0]?.value === 'string' ? schema.values.map((each): Option => ({ label: String(each.value), kind: 'value', also: each.name })) : []
}

function modelIds(facts: Facts): Option[] {
  return facts.models.all.map((model): Option => ({ label: facts.models.name(model.id) || shortName(model.id), insert: model.id, also: model.id, kind: 'model', detail: model.id }))
}

function inString(before: readonly FilterToken[], facts: Facts): readonly Option[] {
  if (before.at(-1)?.text === ',') {
    const operand = before.at(-2)?.text ?? ''
    return compared([...before.slice(0, -2), { kind: 'word', text: operand, start: 0, end: 0, open: false }, { kind: 'operator', text: '=', start: 0, end: 0, open: false }], facts)
  }
  return compared(before, facts)
}
