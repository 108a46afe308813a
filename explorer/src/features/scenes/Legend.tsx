import type { ReactNode } from 'react'
import { formatNumber, t } from '@/text/text'
import { badgeIcon } from './badges'
import { boundTo, colourOf, type Domain, fillOf } from './effects'
import type { Behaviour, Condition, Effect, Scene } from './scene'
import type { Lively } from './useLively'

const STOPS = [1, 2, 3, 4, 5]

function rangeText(from: number | undefined, to: number | undefined): string {
  if (from === undefined) return to === undefined ? t('scenes.any') : `< ${formatNumber(to)}`
  return to === undefined ? `≥ ${formatNumber(from)}` : `${formatNumber(from)} – ${formatNumber(to)}`
}

export function conditionText(condition: Condition, unit: string): string {
  if (condition.op === 'set') return t('scenes.op-set')
  if (condition.op === 'unset') return t('scenes.op-unset')
  const value = typeof condition.value === 'number' ? formatNumber(condition.value) : String(condition.value ?? '')
  return `${condition.op.replace('!=', '≠').replace('<=', '≤').replace('>=', '≥')} ${value}${unit === '' ? '' : ` ${unit}`}`
}

function Key({ effect, scale, unit }: { effect: Effect; scale: Domain | undefined; unit: string }): ReactNode {
  switch (effect.kind) {
    case 'ramp': {
      const stops = effect.reverse === true ? [...STOPS].reverse() : STOPS
      return (
        <span className="row scenes-key on-paper">
          {scale && <span className="num">{formatNumber(scale[0])}</span>}
          <span className="scenes-ramp" style={{ background: `linear-gradient(to right, ${stops.map((stop) => `var(--ramp-${stop})`).join(', ')})` }} />
          {scale && <span className="num">{formatNumber(scale[1])}{unit === '' ? '' : ` ${unit}`}</span>}
        </span>
      )
    }
    case 'ranges': return (
      <span className="row scenes-key scenes-key-ranges">
        {effect.ranges.map((range, index) => (
          <span key={index} className="row scenes-range"><span className="scenes-swatch on-paper" style={{ background: fillOf(range.color) }} />{range.label ?? (range.value === undefined ? rangeText(range.from, range.to) : String(range.value))}</span>
        ))}
      </span>
    )
    case 'badge': {
      const Icon = badgeIcon(effect.icon)
      return <span className="row scenes-key"><span className="scenes-badge on-paper" style={{ background: colourOf(effect.color, 'var(--danger)') }}><Icon size={12} aria-hidden /></span><span className="num">{conditionText(effect.when, unit)}</span></span>
    }
    case 'visible': return <span className="scenes-key num">{conditionText(effect.when, unit)}</span>
    case 'opacity': return <span className="scenes-key num">{`${formatNumber(effect.from)} – ${formatNumber(effect.to)}${unit === '' ? '' : ` ${unit}`}`}</span>
    case 'label': return <span className="scenes-key hint">{t('scenes.effect-label')}</span>
  }
}

/** What the drawing shows: each behaviour can be switched on and off, its colours are told beside it. */
export function Legend({ scene, lively, isOn, onToggle }: { scene: Scene; lively: Lively; isOn: (behaviour: Behaviour) => boolean; onToggle: (behaviour: Behaviour) => void }): ReactNode {
  if (scene.behaviours.length === 0) return null
  return (
    <section className="floating scenes-legend" aria-label={t('scenes.legend')} data-testid="scenes.legend">
      {scene.behaviours.map((behaviour) => {
        const [first] = boundTo(behaviour, scene.bindings, lively.facts)
        const subject = first && lively.facts.subject(first.twin)
        const unit = subject ? lively.facts.unit(subject.model, behaviour.property) : ''
        const on = isOn(behaviour)
        return (
          <div key={behaviour.id} className={on ? 'row scenes-legend-row' : 'row scenes-legend-row off'}>
            <button type="button" role="switch" aria-checked={on} className="scenes-toggle" onClick={() => { onToggle(behaviour) }} data-testid={`scenes.legend.${behaviour.id}`}>
              <span className="scenes-toggle-mark" aria-hidden />
              <span className="cut">{behaviour.name}</span>
            </button>
            {on && <Key effect={behaviour.effect} scale={lively.scales.get(behaviour.id)} unit={unit} />}
          </div>
        )
      })}
    </section>
  )
}
