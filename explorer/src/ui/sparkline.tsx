import { type PointerEvent, type ReactNode, useState } from 'react'

export interface SparkPoint { readonly at: number; readonly value: number }

interface Place { readonly x: number; readonly y: number; readonly point: SparkPoint }

function placesOf(points: readonly SparkPoint[], width: number, height: number): readonly Place[] {
  const values = points.map((each) => each.value)
  const low = Math.min(...values)
  const span = Math.max(...values) - low || 1
  const from = points[0]?.at ?? 0
  const time = (points.at(-1)?.at ?? 0) - from || 1
  return points.map((point) => ({ point, x: 1 + ((point.at - from) / time) * (width - 2), y: height - 2 - ((point.value - low) / span) * (height - 4) }))
}

/** The last values as a line 64 by 18; where it is pointed at it tells the value and its time. */
export function Sparkline({ points, label, width = 64, height = 18 }: { points: readonly SparkPoint[]; label: string; width?: number; height?: number }): ReactNode {
  const [pointed, setPointed] = useState<Place>()
  if (points.length < 2) return null
  const places = placesOf(points, width, height)
  const path = places.map(({ x, y }, index) => `${index === 0 ? 'M' : 'L'}${x.toFixed(1)} ${y.toFixed(1)}`).join('')
  const point = (event: PointerEvent): void => {
    const x = event.clientX - event.currentTarget.getBoundingClientRect().left
    setPointed(places.reduce((nearest, each) => (Math.abs(each.x - x) < Math.abs(nearest.x - x) ? each : nearest)))
  }
  return (
    <span className="spark" onPointerMove={point} onPointerLeave={() => { setPointed(undefined) }}>
      <svg className="sparkline" width={width} height={height} role="img" aria-label={label}>
        <path d={path} fill="none" stroke="var(--pulse)" strokeWidth="1.5" strokeLinejoin="round" />
        {pointed && <circle cx={pointed.x} cy={pointed.y} r="2.5" fill="var(--pulse)" />}
      </svg>
      {pointed && <span className="spark-tip num" aria-hidden>{`${pointed.point.value} · ${new Date(pointed.point.at).toISOString().slice(11, 19)}`}</span>}
    </span>
  )
}
