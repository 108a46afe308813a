import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ExactNumber } from '@/api/json'
import { colourOf, counted, domainOf, type Facts, fillTemplate, fillUrl, holds, looksOf, placeOf, rampColour, rangeOf, scaleOf, valueAt } from '@/features/scenes/effects'
import type { Behaviour, Binding, Effect } from '@/features/scenes/scene'

const twins: Record<string, { model: string; name: string; twin: Record<string, never> | object }> = {
  a: { model: 'Room', name: 'Hazel', twin: { thermostat: { t: 18 }, busy: true, mode: 'eco' } },
  b: { model: 'Meeting', name: 'Birch', twin: { thermostat: { t: 26 }, busy: false } },
  c: { model: 'Stairs', name: 'Stairs', twin: { thermostat: { t: 90 } } },
}
const facts: Facts = {
  subject: (id) => { const found = twins[id]; return found && { id, name: found.name, model: found.model, twin: found.twin as never } },
  isOf: (model, of) => model === of || (model === 'Meeting' && of === 'Room'),
  unit: () => '°C',
  say: (_model, _property, value) => `<${String(value)}>`,
}
const bindings: readonly Binding[] = [{ element: 'x', twin: 'a' }, { element: 'y', twin: 'b' }, { element: 'z', twin: 'c' }, { element: 'gone', twin: 'nobody' }]
const behaviour = (effect: Effect, more: Partial<Behaviour> = {}): Behaviour => ({ id: 'one', name: 'One', on: { model: 'Room' }, property: 'thermostat.t', effect, ...more })
const looked = (effect: Effect, more: Partial<Behaviour> = {}): ReturnType<typeof looksOf> => {
  const each = behaviour(effect, more)
  const scale = scaleOf(each, bindings, facts)
  return looksOf(bindings, [each], new Map(scale && [[each.id, scale]]), facts)
}

describe('effects', () => {
  it('are of the twins of a model and of those that extend it, or of the named elements', () => {
    expect([...looked({ kind: 'ramp', min: 18, max: 26 }).keys()]).toEqual(['x', 'y'])
    expect([...looked({ kind: 'ramp', min: 18, max: 26 }, { on: { elements: ['z', 'gone'] } }).keys()]).toEqual(['z'])
  })

  it('fill by a scale, by what is seen where no ends are given', () => {
    expect(looked({ kind: 'ramp', min: 18, max: 26 }).get('x')?.fill).toBe('var(--ramp-1)')
    expect(looked({ kind: 'ramp' }).get('y')?.fill).toBe('var(--ramp-5)')
    expect(looked({ kind: 'ramp', reverse: true }).get('y')?.fill).toBe('var(--ramp-1)')
    expect(looked({ kind: 'ramp', min: 18, max: 26 }, { on: { elements: ['z'] } }).get('z')?.fill).toBe('var(--ramp-5)')
  })

  it('a scale of what is seen grows only', () => {
    expect(scaleOf(behaviour({ kind: 'ramp' }), bindings, facts, [0, 10])).toEqual([0, 26])
    expect(scaleOf(behaviour({ kind: 'ramp', min: 20 }), bindings, facts)).toEqual([20, 26])
  })

  it('fill by the first range that fits', () => {
    const ranges = [{ to: 20, color: 'accent' }, { from: 20, to: 26, color: 'ok' }, { from: 26, color: '#ff0000' }]
    expect(looked({ kind: 'ranges', ranges }).get('y')?.fill).toBe('#ff0000')
    expect(looked({ kind: 'ranges', ranges }).get('x')?.fill).toContain('var(--accent)')
    expect(looked({ kind: 'ranges', ranges: [{ value: 'eco', color: 'ok' }], otherwise: 'muted' }, { property: 'mode' }).get('y')?.fill).toContain('--border-strong')
    expect(rangeOf(ranges, undefined)).toBeUndefined()
  })

  it('hide, label, mark and fade', () => {
    expect(looked({ kind: 'visible', when: { op: '=', value: true } }, { property: 'busy' }).get('y')?.isHidden).toBe(true)
    expect(looked({ kind: 'label', text: '{name}: {value} {unit}', digits: 1 }, { scale: 2, offset: 1 }).get('x')?.labels).toEqual(['Hazel: 37.0 °C'])
    expect(looked({ kind: 'label', text: '{value}' }, { property: 'mode' }).get('x')?.labels).toEqual(['<eco>'])
    expect(looked({ kind: 'label', text: '{value} {unit}' }, { property: 'mode' }).get('y')?.labels).toEqual([])
    expect(looked({ kind: 'badge', when: { op: '>', value: 20 }, icon: 'alert' }).get('y')?.badges).toEqual([{ icon: 'alert', colour: 'var(--danger)', text: 'One' }])
    expect(looked({ kind: 'badge', when: { op: '>', value: 20 }, icon: 'alert' }).get('x')?.badges).toEqual([])
    expect(looked({ kind: 'opacity', from: 18, to: 34, low: 0.2, high: 0.6 }).get('y')?.opacity).toBeCloseTo(0.4)
  })

  it('a later fill covers an earlier one, labels are all shown', () => {
    const all = [behaviour({ kind: 'ranges', ranges: [{ color: '#000000' }] }), behaviour({ kind: 'ranges', ranges: [{ color: '#ffffff' }] }, { id: 'two' }), behaviour({ kind: 'label', text: '{id}' }, { id: 'three' }), behaviour({ kind: 'label', text: 'here' }, { id: 'four' })]
    expect(looksOf(bindings, all, new Map(), facts).get('x')).toEqual({ fill: '#ffffff', labels: ['a', 'here'], badges: [] })
  })
})

describe('conditions', () => {
  it('compare what can be compared', () => {
    expect(holds({ op: '>=', value: 3 }, 3)).toBe(true)
    expect(holds({ op: '<', value: 3 }, '2')).toBe(false)
    expect(holds({ op: '!=', value: 3 }, 'three')).toBe(true)
    expect(holds({ op: '>', value: 1 }, new ExactNumber('12345678901234567890'))).toBe(true)
    expect([holds({ op: 'unset' }, undefined), holds({ op: 'set' }, null), holds({ op: '!=', value: 1 }, undefined)]).toEqual([true, false, false])
  })
})

describe('the parts', () => {
  it('a value is found by its path, and not in what all objects have', () => {
    expect(valueAt({ a: { b: 2 } }, 'a.b')).toBe(2)
    expect(valueAt({}, 'constructor')).toBeUndefined()
    expect(counted({ scale: 0.1 }, 3)).toBe(0.3)
    expect(counted({ scale: 0.1 }, 'text')).toBe('text')
  })

  it('a place on a scale is between 0 and 1', () => {
    fc.assert(fc.property(fc.double({ noNaN: true }), fc.double({ noNaN: true, min: -1e6, max: 1e6 }), fc.double({ noNaN: true, min: -1e6, max: 1e6 }), (value, one, other) => {
      const place = placeOf(value, [Math.min(one, other), Math.max(one, other)])
      expect(place >= 0 && place <= 1).toBe(true)
    }))
  })

  it('a domain holds its values', () => {
    fc.assert(fc.property(fc.array(fc.double({ noNaN: true, min: -1e9, max: 1e9 }), { minLength: 1, maxLength: 20 }), (values) => {
      const [low, high] = domainOf(values) ?? [NaN, NaN]
      const slack = 1e-9 * Math.max(1, ...values.map(Math.abs))
      expect(low).toBeLessThan(high)
      expect(values.every((each) => each >= low - slack && each <= high + slack)).toBe(true)
    }))
    expect(domainOf([])).toBeUndefined()
    expect(domainOf([5e-324])).toEqual([0, 0.2])
    for (const [low, high] of [domainOf([1e9, 1e9 + 1e-6]), domainOf([0])].map((each) => each ?? [NaN, NaN])) expect(low).toBeLessThan(high)
  })

  it('colours', () => {
    expect(rampColour(0.125)).toBe('color-mix(in srgb, var(--ramp-2) 50%, var(--ramp-1))')
    expect([rampColour(-1), rampColour(0.5), rampColour(2)]).toEqual(['var(--ramp-1)', 'var(--ramp-3)', 'var(--ramp-5)'])
    expect([colourOf('#12ab34'), colourOf('url(#x)'), colourOf('constructor')]).toEqual(['#12ab34', 'var(--accent)', 'var(--accent)'])
  })

  it('templates', () => {
    expect(fillTemplate('{value} {unit}', { value: '3', unit: '', name: '', id: '' })).toBe('3')
    expect(fillTemplate('{other} {id}', { value: '', unit: '', name: '', id: '{name}' })).toBe('{other} {name}')
    expect(fillUrl('https://example.org/{id}?{id}', 'a b/c')).toBe('https://example.org/a%20b%2Fc?a%20b%2Fc')
  })
})
