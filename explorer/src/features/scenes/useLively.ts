/** The bound twins with their values: read once, then kept in step with the feed; of the past as they were. */
import { useEffect, useMemo, useRef, useState } from 'react'
import { say } from '@/dtdl/model'
import { useTwins } from '@/parts/twins'
import { labelOf, showValue } from '@/parts/values/show'
import { useGraph, useModels } from '@/state/graph'
import { modelOf } from '@/state/twins'
import { type Domain, type ElementLook, type Facts, looksOf, scaleOf } from './effects'
import type { Behaviour, Scene } from './scene'

const SHOW_EVERY_MS = 250

export interface Lively {
  readonly facts: Facts
  readonly looks: ReadonlyMap<string, ElementLook>
  readonly scales: ReadonlyMap<string, Domain>
  /** Twins that a binding names and the graph does not have; undefined while they are read. */
  readonly missing: ReadonlySet<string> | undefined
}

/** Counts up a few times a second while one of the twins changes. */
function useTick(ids: ReadonlySet<string>): number {
  const { feed } = useGraph()
  const [tick, setTick] = useState(0)
  useEffect(() => {
    let planned: ReturnType<typeof setTimeout> | undefined
    const off = feed.listen((batch) => {
      if (!batch.some(({ event }) => event.subject !== undefined && ids.has(event.subject))) return
      planned ??= setTimeout(() => { planned = undefined; setTick((before) => before + 1) }, SHOW_EVERY_MS)
    })
    return () => { off(); clearTimeout(planned) }
  }, [feed, ids])
  return tick
}

export function useLively(scene: Scene, isOn: (behaviour: Behaviour) => boolean): Lively {
  const { twins, at, generation } = useGraph()
  const models = useModels()
  const ids = useMemo(() => [...new Set(scene.bindings.map((each) => each.twin))], [scene.bindings])
  const read = useTwins(ids)
  const bound = useMemo(() => new Set(ids), [ids])
  const tick = useTick(bound)
  const facts = useMemo((): Facts => ({
    subject: (id) => {
      // While another instant is read the values of the last one stay; afterwards a twin may not have been there.
      const known = read === 0 || twins.has(id) ? twins.get(id) : undefined
      return known && { id, name: labelOf(known.twin), model: modelOf(known.twin), twin: known.twin }
    },
    isOf: (model, of) => models.is(model, of),
    unit: (model, property) => { const unit = models.contentAt(model, property.split('.'))?.unit; return unit?.symbol ?? '' },
    say: (model, property, value) => showValue(value, models.contentAt(model, property.split('.'))?.schema),
  }), [twins, models, read])
  // A scale that follows what is seen only grows: else all colours would move with each value.
  const grown = useRef<{ readonly key: string; readonly scales: Map<string, Domain> }>({ key: '', scales: new Map() })
  const key = `${at ?? ''} ${generation}`
  const { looks, scales } = useMemo(() => {
    if (grown.current.key !== key) grown.current = { key, scales: new Map() }
    const scales = new Map<string, Domain>()
    for (const behaviour of scene.behaviours) {
      const scaleKey = `${behaviour.id} ${behaviour.property} ${behaviour.scale ?? ''} ${behaviour.offset ?? ''}`
      const scale = scaleOf(behaviour, scene.bindings, facts, grown.current.scales.get(scaleKey))
      if (!scale) continue
      scales.set(behaviour.id, scale)
      if (behaviour.effect.kind === 'ramp' && behaviour.effect.min === undefined && behaviour.effect.max === undefined) grown.current.scales.set(scaleKey, scale)
    }
    return { scales, looks: looksOf(scene.bindings, scene.behaviours.filter(isOn), scales, facts) }
  }, [scene.bindings, scene.behaviours, isOn, facts, tick, read, key])
  const missing = useMemo(() => (read === 0 && ids.length > 0 ? undefined : new Set(ids.filter((id) => !twins.has(id)))), [read, ids, twins, tick])
  return { facts, looks, scales, missing }
}

/** A property's title and unit by its path, of whatever model has it. */
export function titleOf(models: ReturnType<typeof useModels>, of: string | undefined, property: string): string {
  const content = of === undefined ? undefined : models.contentAt(of, property.split('.'))
  return content ? say(content.displayName, content.name) : property
}
