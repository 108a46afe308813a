import { isObject, type Json } from '@/api/json'

/** Make ADT Explorer's JSON of the lines of an export. */
export function explorerJson(lines: readonly Json[]): Json {
  const sections: Record<string, Json[]> = { Models: [], Twins: [], Relationships: [] }
  let section = ''
  for (const line of lines) {
    if (!isObject(line)) continue
    if (typeof line['Section'] === 'string' && Object.keys(line).length === 1) section = line['Section']
    else sections[section]?.push(section === 'Relationships' ? withSource(line) : line)
  }
  return {
    digitalTwinsFileInfo: { fileVersion: '1.0.0' },
    digitalTwinsGraph: { digitalTwins: sections['Twins'] ?? [], relationships: sections['Relationships'] ?? [] },
    digitalTwinsModels: sections['Models'] ?? [],
  }
}

function withSource(line: Record<string, Json> | Readonly<Record<string, Json>>): Json {
  const { $dtId, ...rest } = line
  return { ...($dtId !== undefined && { $sourceId: $dtId }), ...rest }
}
