import { t } from '@/text/text'
import type { Reading } from '../values/read'

/** Say what is wrong with a text, and how it is right. */
export function problemText(reading: Reading): string | undefined {
  if ('value' in reading) return undefined
  return t(`values.problem-${reading.problem}`, { low: reading.low ?? '', high: reading.high ?? '' })
}
