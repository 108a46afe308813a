/** Instants and lengths of the sparkline. Pure. */

const UNITS: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }
const POINTS = 60

/** What an address's `at` says: an instant, `-15m`, or now. */
export function instantOf(at: string | undefined, now: number): number {
  if (at === undefined) return now
  const back = /^-(\d+)([smhd])$/.exec(at)
  if (back) return now - Number(back[1]) * (UNITS[back[2] ?? 's'] ?? 0)
  const instant = Date.parse(at)
  return Number.isNaN(instant) ? now : instant
}

/** Buckets so that there are some sixty. */
export function bucketFor(minutes: number): string {
  const seconds = Math.max(1, Math.round((minutes * 60) / POINTS))
  return seconds % 60 === 0 ? `${seconds / 60}m` : `${seconds}s`
}
