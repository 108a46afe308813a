import { at, ExactNumber, isObject, type Json, writeJson } from '@/api/json'
import type { CloudEvent } from '@/api/types'
import { kindOf } from '@/state/eventlog'
import { operationsOf } from '@/state/twins'
import { formatNumber, t } from '@/text/text'

const MOST_SHOWN = 3
const LONGEST = 60

/** A value in a few characters. */
export function brief(value: Json | undefined): string {
  if (value === undefined) return ''
  if (typeof value === 'number') return formatNumber(value, { maximumFractionDigits: 3 })
  const text = typeof value === 'string' ? value : value instanceof ExactNumber ? value.text : writeJson(value)
  return text.length > LONGEST ? `${text.slice(0, LONGEST - 1)}…` : text
}

/** What an event changed, in a line: `temperature 21.4, humidity 40`. */
export function sayChange(event: CloudEvent): string {
  const { data } = event
  const kind = kindOf(event)
  if (kind === 'telemetry') return brief(data)
  if (isObject(data) && Array.isArray(data['patch'])) {
    const changes = operationsOf(data).filter((each) => !each.path.includes('/$metadata/'))
    const shown = changes.slice(0, MOST_SHOWN).map((each) => (each.op === 'remove' ? t('live.removed', { name: nameOf(each.path) }) : `${nameOf(each.path)} ${brief(each.value)}`))
    return changes.length > MOST_SHOWN ? `${shown.join(', ')} ${t('live.and-more', { n: changes.length - MOST_SHOWN })}` : shown.join(', ')
  }
  if (kind === 'relationship') return [at(data, '/$relationshipName'), at(data, '/$targetId')].filter((each) => typeof each === 'string').join(' → ')
  const model = at(data, '/$metadata/$model')
  return typeof model === 'string' ? model : ''
}

function nameOf(pointer: string): string { return pointer.slice(1).replaceAll('/', '.').replaceAll('~1', '/').replaceAll('~0', '~') }

/** A filter that an event like this passes. */
export function filterOf(event: CloudEvent): string {
  const type = `type = '${event.type}'`
  const { data } = event
  const [change] = isObject(data) ? operationsOf(data).filter((each) => !each.path.includes('/$metadata/')) : []
  return change ? `${type} AND CHANGED(${nameOf(change.path)})` : type
}
