import { type ReactNode, useState } from 'react'
import { say } from '@/dtdl/model'
import { t } from '@/text/text'
import { Button } from '@/ui/button'
import { Field } from '@/ui/controls'
import { Popover } from '@/ui/menu'
import { colourOf } from '@/ui/mark'
import { act, useScreen } from './store'
import type { Lens } from './useLens'
import { isNumeric, shortNumber, slotOf } from './values'

const WORDS = 4

/** What the colours of the lens mean; the ends of the scale can be changed. */
export function Scale({ lens, path }: { lens: Lens; path: string }): ReactNode {
  const { property, domain } = lens
  if (!isNumeric(property.schema)) return <Words lens={lens} />
  return (
    <Popover label={t('graph.scale')} trigger={(
      <button type="button" className="legend-item legend-scale" title={t('graph.scale')} data-testid="graph.legend.scale">
        <span className="num">{domain ? shortNumber(domain[0]) : ''}</span>
        <span className="ramp" aria-hidden />
        <span className="num">{domain ? shortNumber(domain[1]) : ''}{property.unit === '' ? '' : ` ${property.unit}`}</span>
      </button>
    )}>
      <Ends key={path} lens={lens} path={path} />
    </Popover>
  )
}

function Words({ lens }: { lens: Lens }): ReactNode {
  const { schema } = lens.property
  const values = schema.kind === 'enum' ? schema.values.map((each) => ({ text: say(each.displayName, each.name), slot: slotOf(each.value, schema) })) : [true, false].map((each) => ({ text: each ? t('graph.yes') : t('graph.no'), slot: slotOf(each, schema) }))
  return (
    <span className="legend-words" data-testid="graph.legend.scale" title={values.map((each) => each.text).join(', ')}>
      {values.slice(0, WORDS).map((each) => <span key={each.text} className="legend-word"><span className="swatch" style={{ background: colourOf(each.slot) }} aria-hidden />{each.text}</span>)}
      {values.length > WORDS && <span className="hint">+{values.length - WORDS}</span>}
    </span>
  )
}

function Ends({ lens, path }: { lens: Lens; path: string }): ReactNode {
  const domains = useScreen((state) => state.state.domains)
  const [from, setFrom] = useState(String(lens.domain?.[0] ?? 0))
  const [to, setTo] = useState(String(lens.domain?.[1] ?? 1))
  const [low, high] = [Number(from.replace(',', '.')), Number(to.replace(',', '.'))]
  const isGood = Number.isFinite(low) && Number.isFinite(high) && low < high
  return (
    <form className="scale-card" onSubmit={(event) => { event.preventDefault(); if (isGood) act(t('graph.scale'), { domains: { ...domains, [path]: [low, high] } }) }}>
      <h3>{lens.property.title}{lens.property.unit === '' ? '' : ` · ${lens.property.unit}`}</h3>
      <div className="row">
        <Field label={t('graph.scale-from')}><input className="input num" value={from} inputMode="decimal" onChange={(event) => { setFrom(event.target.value) }} aria-invalid={!isGood} /></Field>
        <Field label={t('graph.scale-to')}><input className="input num" value={to} inputMode="decimal" onChange={(event) => { setTo(event.target.value) }} aria-invalid={!isGood} /></Field>
      </div>
      <div className="row">
        <Button look="main" type="submit" disabled={!isGood}>{t('graph.scale-set')}</Button>
        {domains?.[path] && <Button look="quiet" onClick={() => { const { [path]: _gone, ...rest } = domains; act(t('graph.scale'), { domains: rest }) }}>{t('graph.scale-auto')}</Button>}
      </div>
    </form>
  )
}
