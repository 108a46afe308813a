/** From counts to bars. Pure. */

export interface Bar { readonly x: number; readonly width: number; readonly height: number }

/** Bars of counts between two instants, in shares of the shown span (0..1); few changes beside many are still seen. */
export function barsOf(changes: readonly number[], from: number, to: number, span: { readonly from: number; readonly to: number }): readonly Bar[] {
  const most = Math.max(1, ...changes)
  const whole = span.to - span.from
  const width = (to - from) / changes.length / whole
  return changes.flatMap((count, index) => {
    const x = (from - span.from) / whole + index * width
    return count <= 0 || x + width < 0 || x > 1 ? [] : [{ x, width, height: Math.max(0.1, Math.sqrt(count / most)) }]
  })
}

/** How many bars fit. */
export function bucketsFor(width: number): number { return Math.max(10, Math.min(500, Math.floor(width / 4))) }

export function shareOf(at: number, span: { readonly from: number; readonly to: number }): number { return (at - span.from) / (span.to - span.from) }

/** The instant at a place of the bar; undefined is now. What is not kept cannot be looked at. */
export function instantAt(share: number, span: { readonly from: number; readonly to: number; readonly oldest: number; readonly now: number }, snap = 0): number | undefined {
  const at = span.from + Math.min(1, Math.max(0, share)) * (span.to - span.from)
  if (at >= span.now - snap * (span.to - span.from)) return undefined
  return Math.max(span.oldest, at)
}
