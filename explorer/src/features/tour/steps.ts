/** The steps of the tour: each is done by doing it, and what was done shows in the page's own state. Pure. */
import { isObject, type Json } from '@/api/json'
import type { CloudEvent } from '@/api/types'
import { operationsOf } from '@/state/twins'
import { type Place, selectionOf } from '@/state/url'

export const ROOM = 'room-2-14'
export const ROOM_MODEL = 'dtmi:kastor:sample:MeetingRoom;1'
export const WARMTH = 'thermostat.currentTemperature'
export const SET_POINT = '/thermostat/setPoint'
export const WARMEST = `-- warmest rooms\nSELECT T.$dtId, T.name, T.${WARMTH}\nFROM DIGITALTWINS T\nWHERE IS_OF_MODEL(T, 'dtmi:kastor:sample:Room;1')\nORDER BY T.${WARMTH} DESC`

export const STEPS = ['select', 'lens', 'near', 'find', 'write'] as const
export type Step = (typeof STEPS)[number]

export interface Seen {
  readonly place: Place
  /** The graph is so near that values stand under the marks. */
  readonly isNear: boolean
  /** Writes of this person that can be undone. */
  readonly writes: number
  /** Writes there were when the step began. */
  readonly writesBefore: number
  /** A set point was seen to change since the step began. */
  readonly hasSetPoint: boolean
}

export function isDone(step: Step, seen: Seen): boolean {
  const { parameters, screen } = seen.place
  switch (step) {
    case 'select': return selectionOf(parameters).includes(ROOM)
    case 'lens': return screen === 'graph' && parameters.lens === WARMTH
    case 'near': return screen === 'graph' && seen.isNear
    case 'find': return screen === 'query' && /warmest/i.test(parameters.q ?? '')
    // The simulation moves set points as well, and people write other things: it takes both.
    case 'write': return seen.writes > seen.writesBefore && seen.hasSetPoint
  }
}

/** Whether an event says that a set point changed, be it alone or with the whole thermostat. */
export function changesSetPoint({ type, data }: CloudEvent): boolean {
  if (!type.endsWith('.Twin.Update') || !isObject(data)) return false
  return operationsOf(data).some(({ path, value }) => path === SET_POINT || (path === '/thermostat' && hasSetPoint(value)))
}

function hasSetPoint(value: Json | undefined): boolean { return isObject(value) && value['setPoint'] !== undefined }

/** What was reached before a reload; a step that this page does not know begins anew. */
export function readStep(text: string | null): number {
  const index = Number(text ?? '0')
  return Number.isInteger(index) && index >= 0 && index <= STEPS.length ? index : 0
}
