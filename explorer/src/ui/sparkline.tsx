import type { ReactNode } from 'react'

export interface SparkPoint { readonly at: number; readonly value: number }

/** The last values as a line 64 by 18; a title tells the range. */
export function Sparkline({ points, label, width = 64, height = 18 }: { points: readonly SparkPoint[]; label: string; width?: number; height?: number }): ReactNode {
  if (points.length < 2) return null
  const values = points.map((each) => each.value)
  const low = Math.min(...values)
  const span = Math.max(...values) - low || 1
  const from = points[0]?.at ?? 0
  const time = (points.at(-1)?.at ?? 0) - from || 1
  const path = points.map((each, index) => {
    const x = 1 + ((each.at - from) / time) * (width - 2)
    const y = height - 2 - ((each.value - low) / span) * (height - 4)
    return `${index === 0 ? 'M' : 'L'}${x.toFixed(1)} ${y.toFixed(1)}`
  }).join('')
  return (
    <svg className="sparkline" width={width} height={height} role="img" aria-label={label}>
      <title>{label}</title>
      <path d={path} fill="none" stroke="var(--pulse)" strokeWidth="1.5" strokeLinejoin="round" />
    </svg>
  )
}
