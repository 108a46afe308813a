/** Instants as addresses and the server have them, to the tenth of a microsecond. Pure. */

const RELATIVE = /^-(\d{1,9})(s|m|h|d)$/
const FULL = /^(\d{4}-\d{2}-\d{2})[T ](\d{2}:\d{2}(?::\d{2})?)(?:\.(\d{1,9}))?(Z|[+-]\d{2}:?\d{2})?$/i
const UNIT_MS: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }
const DIGITS = 7

/** Write milliseconds as an instant; whole seconds without a fraction. */
export function formatInstant(ms: number): string {
  return new Date(Math.round(ms)).toISOString().replace('.000Z', 'Z')
}

/** Milliseconds of an instant; undefined where it is none. */
export function millisOf(instant: string | undefined): number | undefined {
  if (instant === undefined) return undefined
  const ms = Date.parse(instant.replace(/(\.\d{3})\d+/, '$1'))
  return Number.isNaN(ms) ? undefined : ms
}

/** The instant that an address means: `-15m` is counted from now. What cannot be read is left for the server to say so. */
export function instantOf(text: string | undefined, now: number): string | undefined {
  const match = RELATIVE.exec(text ?? '')
  if (!match) return text === '' ? undefined : text
  return formatInstant(now - Number(match[1]) * (UNIT_MS[match[2] ?? ''] ?? 0))
}

/** Read what a person writes: a time of today, a day and a time, with a zone or without (UTC), `-15m`. Undefined: it is none. */
export function readInstant(text: string, now: number): string | undefined {
  const trimmed = text.trim()
  if (RELATIVE.test(trimmed)) return instantOf(trimmed, now)
  const day = new Date(now).toISOString().slice(0, 10)
  const whole = /^\d{1,2}:\d{2}/.test(trimmed) ? `${day}T${trimmed.padStart(trimmed.indexOf(':') === 1 ? trimmed.length + 1 : 0, '0')}` : /^\d{4}-\d{2}-\d{2}$/.test(trimmed) ? `${trimmed}T00:00:00` : trimmed
  const match = FULL.exec(whole)
  if (!match) return undefined
  const [, date, time, fraction, zone = 'Z'] = match
  const clock = time?.length === 5 ? `${time}:00` : time
  const instant = `${date}T${clock}${fraction === undefined ? '' : `.${fraction}`}${zone.toUpperCase()}`
  return millisOf(instant) === undefined ? undefined : instant
}

/** Compare two instants of the server, which are finer than a Date is. */
export function compareInstants(one: string, other: string): number {
  const difference = (millisOf(one) ?? 0) - (millisOf(other) ?? 0)
  if (difference !== 0) return difference
  return fine(one) - fine(other)
}

/** What lies below the millisecond. */
function fine(instant: string): number {
  const fraction = /\.(\d+)/.exec(instant)?.[1] ?? ''
  return Number(fraction.padEnd(DIGITS, '0').slice(3, DIGITS))
}

/** An instant as it is read: the time of today, else with its day; UTC. */
export function showInstant(instant: string | number, now: number, long = false): string {
  const ms = typeof instant === 'number' ? instant : millisOf(instant)
  if (ms === undefined) return String(instant)
  const text = new Date(ms).toISOString()
  const fraction = ms % 1000 === 0 || !long ? '' : text.slice(19, 23)
  const isToday = text.slice(0, 10) === new Date(now).toISOString().slice(0, 10)
  return isToday && !long ? text.slice(11, 19) : `${text.slice(0, 10)} ${text.slice(11, 19)}${fraction}`
}

const STEPS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400, 172_800, 604_800, 1_209_600, 2_592_000].map((seconds) => seconds * 1000)

export interface Tick { readonly at: number; readonly text: string }

/** Round times along an axis, about `width / 90` of them. */
export function ticksOf(from: number, to: number, width: number): readonly Tick[] {
  const most = Math.max(1, Math.floor(width / 90))
  const step = STEPS.find((each) => (to - from) / each <= most) ?? STEPS.at(-1) ?? 1
  const ticks: Tick[] = []
  for (let at = Math.ceil(from / step) * step; at <= to && ticks.length <= most; at += step) {
    const text = new Date(at).toISOString()
    const isDay = at % 86_400_000 === 0
    ticks.push({ at, text: step >= 86_400_000 || isDay ? text.slice(5, 10) : step < 60_000 ? text.slice(11, 19) : text.slice(11, 16) })
  }
  return ticks
}

/** The length of buckets of a series so that each is about two pixels wide: a whole number of seconds, from one up. */
export function bucketOf(span: number, width: number): number {
  return Math.max(1, Math.ceil((span / 1000 / Math.max(1, width)) * 2))
}
