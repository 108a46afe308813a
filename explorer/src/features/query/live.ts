/** Rows that the server keeps up to date: added, changed and removed as the graph changes. */
import { create } from 'zustand'
import { ApiError, asApiError } from '@/api/errors'
import { follow, type ServerEvent } from '@/api/events'
import { isObject, type Json, type JsonObject, parseJson, sameJson } from '@/api/json'
import type { Selected } from '@/lang/columns'
import { selectedOf } from '@/lang/query'
import { onLeave } from '@/state/leaving'
import type { ResultRow } from './columns'

export interface LiveRows {
  readonly text: string
  readonly selected: readonly Selected[] | undefined
  readonly state: 'connecting' | 'live' | 'broken' | 'ended'
  readonly rows: readonly ResultRow[]
  readonly mode: string
  readonly why: string
  readonly warnings: readonly string[]
  /** Changes that came while the picture is held. */
  readonly held: number
  readonly paused: boolean
  readonly error: ApiError | undefined
}

interface Lives { readonly byTab: Readonly<Record<string, LiveRows>> }

export const useLives = create<Lives>(() => ({ byTab: {} }))

const TINT_MS = 1400
const GONE_MS = 1000

interface Following { readonly stop: () => void; readonly rows: Map<string, ResultRow>; timers: Set<ReturnType<typeof setTimeout>>; planned: boolean }

const following = new Map<string, Following>()

function change(tab: string, live: Partial<LiveRows>): void {
  useLives.setState(({ byTab }) => {
    const before = byTab[tab]
    return before ? { byTab: { ...byTab, [tab]: { ...before, ...live } } } : { byTab }
  })
}

/** Rows of an event, by their key. */
export function changesOf(data: Json): readonly { readonly key: string; readonly row: JsonObject | undefined }[] {
  const rows = isObject(data) ? data['rows'] : undefined
  if (!Array.isArray(rows)) return []
  return (rows as readonly Json[]).flatMap((each) => (isObject(each) && each['id'] !== undefined ? [{ key: JSON.stringify(each['id']), row: isObject(each['row']) ? each['row'] : undefined }] : []))
}

/** Apply an event to the rows; marks say what it did, `marked` is off while the first rows come. */
export function applied(rows: Map<string, ResultRow>, event: string, changes: ReturnType<typeof changesOf>, marked: boolean): void {
  for (const { key, row } of changes) {
    const before = rows.get(key)
    if (event === 'removed') {
      if (before && marked) rows.set(key, { ...before, mark: 'removed' })
      else rows.delete(key)
    } else if (row) {
      const columns = before && before.mark !== 'removed' ? changedColumns(before.value, row) : undefined
      rows.set(key, { key, value: row, ...(marked && (columns ? { mark: 'changed' as const, changed: columns } : { mark: 'added' as const })) })
    }
  }
}

function changedColumns(before: JsonObject, now: JsonObject): ReadonlySet<string> {
  return new Set([...Object.keys(before), ...Object.keys(now)].filter((key) => !sameJson(before[key], now[key])))
}

/** Follow a query in a tab. */
export function startLive(tab: string, graph: string, text: string, parameters: Readonly<Record<string, Json>>): void {
  stopLive(tab)
  const rows = new Map<string, ResultRow>()
  useLives.setState(({ byTab }) => ({ byTab: { ...byTab, [tab]: { text, selected: selectedOf(text), state: 'connecting', rows: [], mode: '', why: '', warnings: [], held: 0, paused: false, error: undefined } } }))
  const body = { query: text, ...(Object.keys(parameters).length > 0 && { parameters }) }
  let ready = false
  const stop = follow(graph, () => ({ method: 'POST', path: '/kastor/v1/query/live', body }), {
    // The stream begins with the whole result: what was there before is not.
    onOpen: () => { rows.clear(); ready = false },
    onEvent: (event) => {
      try {
        ready = take(tab, event, ready)
      } catch (thrown) {
        endLive(tab, asApiError(thrown))
      }
    },
    onBroken: (error) => { change(tab, { state: 'broken', error }) },
    onRefused: (error) => { endLive(tab, error) },
  })
  following.set(tab, { stop, rows, timers: new Set(), planned: false })
}

function take(tab: string, event: ServerEvent, ready: boolean): boolean {
  const mine = following.get(tab)
  if (!mine || event.data === '') return ready
  const data = parseJson(event.data)
  if (event.event === 'error') { endLive(tab, errorIn(data)); return ready }
  if (event.event === 'ready') {
    const said = isObject(data) ? data : {}
    change(tab, { state: 'live', error: undefined, mode: textIn(said, 'mode'), why: textIn(said, 'why'), warnings: Array.isArray(said['warnings']) ? (said['warnings'] as readonly Json[]).map(String) : [] })
    show(tab)
    return true
  }
  const changes = changesOf(data)
  applied(mine.rows, event.event, changes, ready)
  if (useLives.getState().byTab[tab]?.paused === true) change(tab, { held: (useLives.getState().byTab[tab]?.held ?? 0) + changes.length })
  if (ready) {
    fade(tab, mine, changes.map((each) => each.key), event.event === 'removed' ? GONE_MS : TINT_MS)
    plan(tab, mine)
  }
  return ready
}

/** Take marks away when they were seen. */
function fade(tab: string, mine: Following, keys: readonly string[], after: number): void {
  const timer = setTimeout(() => {
    mine.timers.delete(timer)
    for (const key of keys) {
      const row = mine.rows.get(key)
      if (row?.mark === 'removed') mine.rows.delete(key)
      else if (row?.mark) mine.rows.set(key, { key, value: row.value })
    }
    plan(tab, mine)
  }, after)
  mine.timers.add(timer)
}

/** Show once a frame. */
function plan(tab: string, mine: Following): void {
  if (mine.planned) return
  mine.planned = true
  requestAnimationFrame(() => { mine.planned = false; show(tab) })
}

function show(tab: string): void {
  const mine = following.get(tab)
  if (mine && useLives.getState().byTab[tab]?.paused === false) change(tab, { rows: [...mine.rows.values()] })
}

/** Hold the picture; changes are counted, and shown when it goes on. */
export function pauseLive(tab: string, paused: boolean): void {
  change(tab, { paused, held: 0 })
  if (!paused) show(tab)
}

function endLive(tab: string, error: ApiError): void {
  const mine = following.get(tab)
  mine?.stop()
  following.delete(tab)
  change(tab, { state: 'ended', error })
}

export function stopLive(tab: string): void {
  const mine = following.get(tab)
  mine?.stop()
  mine?.timers.forEach((timer) => { clearTimeout(timer) })
  following.delete(tab)
  useLives.setState(({ byTab }) => {
    const { [tab]: _before, ...rest } = byTab
    return { byTab: rest }
  })
}

/** Stop all that is followed, of whatever graph: its tabs may be forgotten already. */
export function stopAllLives(): void { for (const tab of [...following.keys()]) stopLive(tab) }
onLeave(stopAllLives)

function textIn(object: JsonObject, name: string): string {
  const value = object[name]
  return typeof value === 'string' ? value : ''
}

function errorIn(data: Json): ApiError {
  const error = isObject(data) && isObject(data['error']) ? data['error'] : {}
  return new ApiError(400, textIn(error, 'code') || 'LiveQueryEnded', textIn(error, 'message'))
}
