/** Labels and badges over the drawing: as large as text on the page, however far one zooms. */
import type { ReactNode } from 'react'
import { badgeIcon } from './badges'
import type { ElementLook } from './effects'
import type { Mounted } from './mount'

const BADGE = 18
const LETTER = 7

/** A label that would be wider than its element is not shown until one is nearer. */
function fits(texts: readonly string[], width: number): boolean {
  return Math.max(...texts.map((text) => text.length)) * LETTER <= width + LETTER * 2
}

export function Marks({ mounted, looks, zoom }: { mounted: Mounted; looks: ReadonlyMap<string, ElementLook>; zoom: number }): ReactNode {
  return (
    <div className="scenes-marks" aria-hidden>
      {[...looks].map(([id, look]) => {
        if ((look.labels.length === 0 && look.badges.length === 0) || look.isHidden === true) return null
        const place = mounted.place(id)
        if (!place) return null
        const width = place.width * zoom
        const labels = look.labels.length > 0 && fits(look.labels, width) ? look.labels : []
        if (labels.length === 0 && (look.badges.length === 0 || width < BADGE / 2)) return null
        return (
          <span key={id} className="scenes-mark" style={{ left: place.x, top: place.y }}>
            {look.badges.map((badge, index) => {
              const Icon = badgeIcon(badge.icon)
              return <span key={index} className="scenes-badge" title={badge.text} style={{ background: badge.colour }}><Icon size={12} strokeWidth={2.25} /></span>
            })}
            {labels.map((text, index) => <span key={index} className="scenes-label num">{text}</span>)}
          </span>
        )
      })}
    </div>
  )
}
