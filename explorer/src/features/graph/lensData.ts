/** Values of one property, by twin: what is known of those that are shown is kept, what is not is asked for. Pure. */
import { isObject, type Json } from '@/api/json'
import type { CloudEvent } from '@/api/types'
import { operationsOf } from '@/state/twins'
import { valueAt } from './values'

export interface LensData {
  /** Property, graph and instant that the values are of. */
  readonly of: string
  /** Twins that were asked about; not all have the property. */
  readonly asked: ReadonlySet<string>
  readonly values: Map<string, Json>
}

export function nothingOf(of: string): LensData { return { of, asked: new Set(), values: new Map() } }

/** Twins that have to be asked about. */
export function missingIn(data: LensData, of: string, ids: readonly string[]): readonly string[] {
  return data.of === of ? ids.filter((id) => !data.asked.has(id)) : ids
}

/** Take an answer about some twins; of those that are not shown nothing is kept. */
export function withAnswer(data: LensData, of: string, ids: ReadonlySet<string>, asked: readonly string[], rows: readonly (readonly [string, Json])[]): LensData {
  const before = data.of === of ? data : nothingOf(of)
  const answered = new Set(asked)
  return {
    of,
    asked: new Set([...before.asked, ...asked].filter((id) => ids.has(id))),
    values: new Map([...[...before.values].filter(([id]) => !answered.has(id)), ...rows].filter(([id]) => ids.has(id))),
  }
}

/** Change values by what happened to the twins that were asked about. */
export function follow({ asked, values }: LensData, path: string, events: readonly CloudEvent[]): void {
  const pointer = `/${path.replaceAll('.', '/')}`
  for (const { subject, data, type } of events) {
    if (subject === undefined || !asked.has(subject) || !isObject(data)) continue
    if (type.endsWith('.Twin.Create') || type.endsWith('.Twin.Delete')) {
      const found = type.endsWith('.Twin.Create') ? valueAt(data, path) : undefined
      if (found === undefined) values.delete(subject)
      else values.set(subject, found)
    }
    if (!type.endsWith('.Twin.Update')) continue
    for (const { path: changed, value } of operationsOf(data)) {
      const found = changed === pointer ? value : pointer.startsWith(`${changed}/`) && isObject(value) ? valueAt(value, pointer.slice(changed.length + 1).replaceAll('/', '.')) : undefined
      if (found !== undefined) values.set(subject, found)
      else if (changed === pointer) values.delete(subject)
    }
  }
}
