/** ISO 8601 durations as fields and as text, as DTDL takes them: no sign, a fraction in the last part alone. */

export const DURATION_PARTS = ['years', 'months', 'weeks', 'days', 'hours', 'minutes', 'seconds'] as const
export type DurationPart = (typeof DURATION_PARTS)[number]

/** Digits of each part as they are written; an absent one is not there. */
export type Duration = Readonly<Partial<Record<DurationPart, string>>>

const NUMBER = String.raw`(\d+(?:\.\d+)?)`
const FORM = new RegExp(`^P(?:${NUMBER}Y)?(?:${NUMBER}M)?(?:${NUMBER}W)?(?:${NUMBER}D)?(?:T(?:${NUMBER}H)?(?:${NUMBER}M)?(?:${NUMBER}S)?)?$`)
const LETTERS: Readonly<Record<DurationPart, string>> = { years: 'Y', months: 'M', weeks: 'W', days: 'D', hours: 'H', minutes: 'M', seconds: 'S' }

export function readDuration(text: string): Duration | undefined {
  const found = FORM.exec(text)
  if (!found || text.endsWith('P') || text.endsWith('T')) return undefined
  const parts = DURATION_PARTS.flatMap((part, index) => {
    const digits = found[index + 1]
    return digits === undefined ? [] : [[part, digits] as const]
  })
  if (parts.slice(0, -1).some(([, digits]) => digits.includes('.'))) return undefined
  const duration: Duration = Object.fromEntries(parts)
  return duration.weeks !== undefined && (duration.years !== undefined || duration.months !== undefined) ? undefined : duration
}

export function writeDuration(duration: Duration): string {
  const text = (parts: readonly DurationPart[]): string => parts.map((part) => {
    const digits = duration[part]
    return digits === undefined || digits === '' ? '' : digits + LETTERS[part]
  }).join('')
  const time = text(['hours', 'minutes', 'seconds'])
  const all = `P${text(['years', 'months', 'weeks', 'days'])}${time === '' ? '' : `T${time}`}`
  return all === 'P' ? 'PT0S' : all
}
