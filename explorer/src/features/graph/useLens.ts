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
import type { Feed } from '@/state/live'
import { useSettings } from '@/state/settings'
import { isTest } from '@/state/url'
import { follow, missingIn, nothingOf, withAnswer } from './lensData'
import { useScreen } from './store'
import { type Domain, domainOf, type LensProperty, lensProperties, lensValues, type Main, mainOf, numberOf, showShort, valueAt } from './values'

const SHOW_EVERY_MS = 250
/** Documents of all twins are read at once below this; above, those that are looked at. */
export const ALL_DOCUMENTS = 2000
const AT_ONCE = 4

/** Twins by model, without those that are not there. */
export function countsOf(structure: Structure, gone?: ReadonlySet<string>): ReadonlyMap<string, number> {
  const counts = new Map<string, number>()
  for (const node of structure.nodes.values()) if (gone?.has(node.id) !== true) counts.set(node.model, (counts.get(node.model) ?? 0) + 1)
  return counts
}

/** Counts up at most a few times a second while twins change. */
function useTick(feed: Feed): number {
  const [tick, setTick] = useState(0)
  useEffect(() => {
    let planned: ReturnType<typeof setTimeout> | undefined
    const off = feed.listen(() => {
      planned ??= setTimeout(() => { planned = undefined; setTick((before) => before + 1) }, SHOW_EVERY_MS)
    })
    return () => { off(); clearTimeout(planned) }
  }, [feed])
  return tick
}

export interface Lens {
  readonly property: LensProperty
  readonly domain: Domain | undefined
  readonly values: ReadonlyMap<string, ShownValue>
}

const NUMBERS = new WeakMap<Structure, number>()
let lastNumber = 0

/** Names what is shown, in the key of a query: as many twins need not be the same twins. */
function numberOfStructure(structure: Structure): number {
  const known = NUMBERS.get(structure)
  if (known !== undefined) return known
  lastNumber += 1
  NUMBERS.set(structure, lastNumber)
  return lastNumber
}

/** Values of one property of everything shown. */
function useLensData(structure: Structure, path: string | undefined): ReadonlyMap<string, Json> {
  const { name, at, twins, feed, generation } = useGraph()
  const ids = useMemo(() => [...structure.nodes.keys()], [structure])
  const held = useRef(nothingOf(''))
  const [version, setVersion] = useState(0)
  const of = JSON.stringify([name, path, at, generation])
  const queryKey = [name, 'lens', at, path, numberOfStructure(structure), generation]
  const { data, isPlaceholderData } = useQuery({
    queryKey, placeholderData: heldOver(queryKey, at), enabled: path !== undefined && ids.length > 0, staleTime: Infinity, gcTime: 0,
    queryFn: async ({ signal }) => {
      const mark = twins.heard.mark()
      const missing = missingIn(held.current, of, ids)
      const column = propertyOf('T', path ?? '')
      const rows: Json[] = []
      for (const some of chunked(chunked(missing), AT_ONCE)) {
        const found = await Promise.all(some.map((chunk) => rowsOf({ graph: name, at, signal, label: undefined }, `SELECT T.$dtId AS id, ${column} AS v FROM DIGITALTWINS T WHERE IS_DEFINED(${column}) AND T.$dtId IN ${listOf(chunk)}`, chunk.length)))
        rows.push(...found.flat())
      }
      return { of, mark, missing, rows: rows.flatMap((row): (readonly [string, Json])[] => (isObject(row) && typeof row['id'] === 'string' && row['v'] !== undefined ? [[row['id'], row['v']]] : [])) }
    },
  })
  const shownPath = useRef(path)
  useEffect(() => {
    // Values of another property are none of this one; those of another instant stay until its own are there.
    if (shownPath.current !== path) held.current = nothingOf('')
    shownPath.current = path
    if (data && !isPlaceholderData && data.of === of && path !== undefined) {
      held.current = withAnswer(held.current, of, new Set(ids), data.missing, data.rows)
      if (at === undefined) follow(held.current, path, twins.heard.since(data.mark))
    }
    setVersion((before) => before + 1)
  }, [path, data, isPlaceholderData, of, ids, at, twins])
  useEffect(() => {
    if (path === undefined || at !== undefined) return undefined
    return feed.listen((batch) => { follow(held.current, path, batch.map((each) => each.event)) })
  }, [path, feed, at])
  const tick = useTick(feed)
  return useMemo(() => new Map(held.current.values), [version, tick])
}

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
  const tick = useTick(graph.feed)
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
