import type { ReactNode } from 'react'
import { t } from '@/text/text'
import { colourOf } from './effects'
import { NAMED_COLOURS } from './scene'

/** A colour with a meaning, or one of one's own. */
export function ColourField({ label, value, onChange }: { label: string; value: string; onChange: (colour: string) => void }): ReactNode {
  const isOwn = value.startsWith('#')
  return (
    <div className="field">
      <span className="field-label">{label}</span>
      <span className="row scenes-colours" role="radiogroup" aria-label={label}>
        {NAMED_COLOURS.map((name) => <button key={name} type="button" role="radio" aria-checked={value === name} aria-label={name} title={name} className="scenes-colour on-paper" style={{ background: colourOf(name) }} onClick={() => { onChange(name) }} />)}
        <input type="color" className={isOwn ? 'scenes-colour own chosen' : 'scenes-colour own'} value={isOwn ? value : '#888888'} aria-label={t('scenes.own-colour')} title={t('scenes.own-colour')} onChange={(event) => { onChange(event.target.value) }} />
      </span>
    </div>
  )
}
