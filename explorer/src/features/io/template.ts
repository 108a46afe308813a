/** Empty files for a model: whoever fills one in has nothing to map. */
import { type Json, writeJson } from '@/api/json'
import type { ResolvedSchema } from '@/dtdl/model'
import { say } from '@/dtdl/model'
import type { Models } from '@/dtdl/models'
import { type Slot, propertiesOfRelationships, slotsOf, slotsOfProperties } from './slots'
import { put } from './tables'

export type TemplateKind = 'twins' | 'relationships' | 'ndjson'

export interface Template { readonly name: string; readonly text: string; readonly type: string }

const ENDS = ['$sourceId', '$relationshipName', '$targetId', '$relationshipId'] as const

/** Whether twins of a model have relationships, so that there is a table of them. */
export function hasRelationships(models: Models, model: string): boolean {
  return (models.get(model)?.contents ?? []).some((each) => each.kind === 'relationship')
}

/** A cell that no spreadsheet runs, and that no separator splits. */
function cell(text: string): string {
  const guarded = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text
  return /[",;\t\r\n]/.test(guarded) ? `"${guarded.replaceAll('"', '""')}"` : guarded
}

function kindOf({ path, schema }: Slot): string {
  switch (schema.kind) {
    case 'enum': return schema.values.map((each) => each.name).join(' | ')
    case 'boolean': return 'true | false'
    case 'map': return `JSON {"key": ${inWords(schema.value.schema)}}, or a column ${path}.KEY for each key`
    case 'array': return `JSON [${inWords(schema.element)}]`
    case 'object': case 'scaledDecimal': case 'ref': return 'JSON'
    default: return /^(?:point|line|polygon|multi)/i.test(schema.kind) ? 'GeoJSON' : schema.kind
  }
}

function inWords(schema: ResolvedSchema): string { return schema.kind === 'ref' ? 'JSON' : schema.kind }

function remarkOf(slot: Slot): string {
  const about = [say(slot.displayName, ''), say(slot.description, '')].filter((each) => each !== '').join('. ')
  return `# ${slot.path}: ${kindOf(slot)}${slot.unit === undefined ? '' : ` (${slot.unit})`}${about === '' ? '' : `. ${about}`}`.replaceAll(/\s+/g, ' ')
}

function csv(remarks: readonly string[], titles: readonly string[]): string {
  // With the mark Excel takes the file for UTF-8.
  return `\uFEFF${[...remarks.map(cell), titles.map(cell).join(',')].join('\r\n')}\r\n`
}

/** A value of a schema, of which one sees what is wanted. */
function exampleOf(schema: ResolvedSchema): Json {
  switch (schema.kind) {
    case 'enum': return schema.values[0]?.value ?? ''
    case 'boolean': return false
    case 'map': return {}
    case 'array': return []
    case 'point': return { type: 'Point', coordinates: [0, 0] }
    case 'byte': case 'short': case 'integer': case 'long': case 'unsignedByte': case 'unsignedShort': case 'unsignedInteger': case 'unsignedLong': case 'float': case 'double': return 0
    case 'string': return ''
    case 'date': return '2000-01-01'
    case 'dateTime': return '2000-01-01T00:00:00Z'
    case 'time': return '00:00:00'
    case 'duration': return 'PT0S'
    default: return null
  }
}

function ndjson(models: Models, model: string, slots: readonly Slot[]): string {
  const twin: Record<string, Json> = { $dtId: '', $metadata: { $model: model } }
  for (const each of models.get(model)?.contents ?? []) if (each.kind === 'component') twin[each.name] = { $metadata: {} }
  for (const slot of slots) {
    const example = exampleOf(slot.schema)
    if (example !== null) put(twin, slot.path.split('.'), example)
  }
  return `${[{ Section: 'Header' }, { fileVersion: '1.0.0' }, { Section: 'Twins' }, twin].map((line) => writeJson(line)).join('\n')}\n`
}

/** Make an empty file for twins of a model, or for their relationships. */
export function templateOf(models: Models, model: string, kind: TemplateKind): Template {
  const stem = model.replace(/^dtmi:/, '').replaceAll(/[^\w.-]+/g, '-')
  if (kind === 'relationships') {
    const slots = slotsOfProperties(propertiesOfRelationships(models, { model }))
    const names = (models.get(model)?.contents ?? []).filter((each) => each.kind === 'relationship').map((each) => each.name)
    return { name: `${stem}-relationships.csv`, type: 'text/csv', text: csv([`# ${ENDS[1]}: ${names.join(' | ')}`, ...slots.map(remarkOf)], [...ENDS, ...slots.map((each) => each.path)]) }
  }
  const slots = slotsOf(models, model)
  if (kind === 'ndjson') return { name: `${stem}.ndjson`, type: 'application/x-ndjson', text: ndjson(models, model, slots) }
  return { name: `${stem}.csv`, type: 'text/csv', text: csv([`# model: ${model}`, ...slots.map(remarkOf)], ['$dtId', ...slots.map((each) => each.path)]) }
}
