/** The lens and the values below marks: read once, then kept in step with the feed a few times a second. */
import { useQuery } from '@tanstack/react-query'
import { useEffect, useMemo, useRef, useState } from 'react'
import { isObject, type Json } from '@/api/json'
import type { Twin } from '@/api/types'
import type { Models } from '@/dtdl/models'
import type { GraphView, ShownValue } from '@/graph/types'
import { chunked, rowsOf, twinsById } from '@/parts/structure/load'
import { listOf, propertyOf, type Structure } from '@/parts/structure/structure'
import { type OpenGraph, useGraph } from '@/state/graph'
import { heldOver } from '@/state/clock'
import { useSettings } from '@/state/settings'
import { isTest } from '@/state/url'
import { operationsOf } from '@/state/twins'
import { useScreen } from './store'
import { type Domain, domainOf, type LensProperty, lensProperties, lensValues, type Main, mainOf, numberOf, showShort, valueAt } from './values'

const SHOW_EVERY_MS = 250
/** Documents of all twins are read at once below this; above, those that are looked at. */
export const ALL_DOCUMENTS = 2000
const MOST_ROWS = 10_000

export function countsOf(structure: Structure): ReadonlyMap<string, number> {
  const counts = new Map<string, number>()
  for (const node of structure.nodes.values()) counts.set(node.model, (counts.get(node.model) ?? 0) + 1)
  return counts
}

/** Counts up at most a few times a second while twins change. */
function useTick(graph: OpenGraph): number {
  const [tick, setTick] = useState(0)
  useEffect(() => {
    let planned: ReturnType<typeof setTimeout> | undefined
    const off = graph.feed?.listen(() => {
      planned ??= setTimeout(() => { planned = undefined; setTick((before) => before + 1) }, SHOW_EVERY_MS)
    })
    return () => { off?.(); clearTimeout(planned) }
  }, [graph.feed])
  return tick
}

export interface Lens {
  readonly property: LensProperty
  readonly domain: Domain | undefined
  readonly values: ReadonlyMap<string, ShownValue>
}

/** Values of one property of everything shown. */
function useLensData(structure: Structure, path: string | undefined): ReadonlyMap<string, Json> {
  const graph = useGraph()
  const ids = useMemo(() => [...structure.nodes.keys()], [structure])
  const held = useRef({ path, values: new Map<string, Json>() })
  const [version, setVersion] = useState(0)
  const queryKey = [graph.name, 'lens', graph.at, path, ids.length, graph.generation]
  const data = useQuery({
    queryKey, placeholderData: heldOver(queryKey, graph.at), enabled: path !== undefined && ids.length > 0, staleTime: 30_000,
    queryFn: async ({ signal }) => {
      const asked = { graph: graph.name, at: graph.at, signal, label: undefined }
      const column = propertyOf('T', path ?? '')
      const whole = `SELECT T.$dtId AS id, ${column} AS v FROM DIGITALTWINS T WHERE IS_DEFINED(${column})`
      const rows = ids.length > CHUNKED_ABOVE ? await rowsOf(asked, whole, MOST_ROWS) : (await Promise.all(chunked(ids).map((chunk) => rowsOf(asked, `${whole} AND T.$dtId IN ${listOf(chunk)}`, chunk.length)))).flat()
      return rows.flatMap((row): (readonly [string, Json])[] => (isObject(row) && typeof row['id'] === 'string' && row['v'] !== undefined ? [[row['id'], row['v']]] : []))
    },
  })
  useEffect(() => {
    held.current = { path, values: new Map(data.data) }
    setVersion((before) => before + 1)
  }, [path, data.data])
  useEffect(() => {
    if (path === undefined || graph.at !== undefined) return undefined
    const pointer = `/${path.replaceAll('.', '/')}`
    return graph.feed?.listen((batch) => {
      for (const { event } of batch) {
        if (event.subject === undefined || !isObject(event.data) || !event.type.endsWith('.Twin.Update')) continue
        for (const { path: changed, value } of operationsOf(event.data)) {
          const found = changed === pointer ? value : pointer.startsWith(`${changed}/`) && isObject(value) ? valueAt(value, pointer.slice(changed.length + 1).replaceAll('/', '.')) : undefined
          if (found !== undefined) held.current.values.set(event.subject, found)
          else if (changed === pointer) held.current.values.delete(event.subject)
        }
      }
    })
  }, [path, graph.feed, graph.at])
  const tick = useTick(graph)
  return useMemo(() => new Map(held.current.values), [version, tick])
}

const CHUNKED_ABOVE = 1000

export function useLens(models: Models, structure: Structure, path: string | undefined, ends: Domain | undefined): Lens | undefined {
  const { twins } = useGraph()
  const counts = useMemo(() => countsOf(structure), [structure])
  const property = useMemo(() => (path === undefined ? undefined : lensProperties(models, counts, twins.changes).find((each) => each.path === path)), [models, counts, path, twins])
  const data = useLensData(structure, path)
  // The scale stays where it is while values move: it is that of the first values.
  const scale = useRef<{ readonly path: string; readonly domain: Domain }>(undefined)
  return useMemo(() => {
    if (!property) return undefined
    if (scale.current?.path !== property.path && data.size > 0) {
      const found = domainOf([...data.values()].map(numberOf).filter((each) => each !== undefined))
      if (found) scale.current = { path: property.path, domain: found }
    }
    const domain = ends ?? (scale.current?.path === property.path ? scale.current.domain : undefined)
    return { property, domain, values: lensValues(data, property, domain) }
  }, [property, data, ends])
}

/** What stands below each mark. */
export function useMainValues(models: Models, structure: Structure): ReadonlyMap<string, ShownValue> {
  const graph = useGraph()
  const chosen = useSettings((state) => state.mainValues)
  const tick = useTick(graph)
  const counts = useMemo(() => countsOf(structure), [structure])
  const [minute, setMinute] = useState(0)
  useEffect(() => {
    if (isTest) return undefined
    const timers = [setTimeout(() => { setMinute(1) }, 15_000), setInterval(() => { setMinute((before) => before + 1) }, 60_000)]
    return () => { timers.forEach((timer) => { clearTimeout(timer) }) }
  }, [])
  // Which value is shown does not change while one reads: it is looked at anew once a minute.
  const read = useDocuments(graph, structure) + useScreen((state) => state.documents)
  const mains = useMemo(() => {
    const all = new Map<string, Main>()
    const samples = samplesOf(structure, graph)
    for (const model of counts.keys()) {
      const main = mainOf(models, model, chosen[model], isTest ? new Map() : graph.twins.changes, samples.get(model))
      if (main) all.set(model, main)
    }
    return all
  }, [models, structure, counts, chosen, graph, minute, read])
  return useMemo(() => {
    const values = new Map<string, ShownValue>()
    for (const node of structure.nodes.values()) {
      const main = mains.get(node.model)
      const known = main && graph.twins.get(node.id)
      const text = known && showShort(valueAt(known.twin, main.path), main.schema, main.unit)
      if (text !== undefined) values.set(node.id, { text })
    }
    return values
  }, [structure, mains, graph.twins, tick, read])
}

const SAMPLES = 20

/** A few twins of each model that were read. */
function samplesOf(structure: Structure, graph: OpenGraph): ReadonlyMap<string, readonly Twin[]> {
  const samples = new Map<string, Twin[]>()
  for (const node of structure.nodes.values()) {
    const list = samples.get(node.model) ?? []
    const known = list.length < SAMPLES ? graph.twins.get(node.id) : undefined
    if (known) samples.set(node.model, [...list, known.twin])
  }
  return samples
}

/** Read the documents of what is shown, after it is drawn. Counts up with what came. */
function useDocuments(graph: OpenGraph, structure: Structure): number {
  const { name, at, twins, generation } = graph
  const [read, setRead] = useState(0)
  useEffect(() => {
    const missing = [...structure.nodes.keys()].filter((id) => !twins.has(id)).slice(0, ALL_DOCUMENTS)
    if (missing.length === 0) return undefined
    const stop = new AbortController()
    void twinsById({ graph: name, at, signal: stop.signal }, missing).then((found) => {
      if (stop.signal.aborted) return
      twins.put(found)
      const there = new Set(found.map((twin) => twin.$dtId))
      for (const id of missing) if (!there.has(id)) twins.drop(id)
      setRead((before) => before + 1)
    }, () => undefined)
    return () => { stop.abort() }
  }, [structure, name, at, twins, generation])
  return read
}

const MOST_VISIBLE = 500
const LOOK_AFTER_MS = 250

/** Read the documents of what is in view of a picture of very many twins, once one is near enough. */
export function useVisibleDocuments(canvas: GraphView | undefined, structure: Structure): void {
  const { name, at, twins } = useGraph()
  const camera = useScreen((state) => state.state.camera)
  useEffect(() => {
    if (!canvas || structure.nodes.size <= ALL_DOCUMENTS) return undefined
    const stop = new AbortController()
    const timer = setTimeout(() => {
      const missing = [...structure.nodes.keys()].filter((id) => !twins.has(id) && isInWindow(canvas.positionOf(id)))
      if (missing.length === 0 || missing.length > MOST_VISIBLE) return
      void twinsById({ graph: name, at, signal: stop.signal }, missing).then((found) => {
        twins.put(found)
        useScreen.setState((before) => ({ documents: before.documents + 1 }))
      }, () => undefined)
    }, LOOK_AFTER_MS)
    return () => { clearTimeout(timer); stop.abort() }
  }, [canvas, structure, camera, name, at, twins])
}

function isInWindow(place: { readonly x: number; readonly y: number } | undefined): boolean {
  return place !== undefined && place.x >= 0 && place.y >= 0 && place.x <= window.innerWidth && place.y <= window.innerHeight
}
