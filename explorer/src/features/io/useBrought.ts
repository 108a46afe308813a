/** What a file brings, and what the graph has of it before anything is written. */
import { useEffect, useMemo, useRef, useState } from 'react'
import type { JsonObject } from '@/api/json'
import type { Models } from '@/dtdl/models'
import { linesOf, nodesById, twinsById } from '@/parts/structure/load'
import type { Structure, StructureEdge, StructureNode } from '@/parts/structure/structure'
import { useGraph, useMay, useModels } from '@/state/graph'
import { type Contents, contentsOf, endsElsewhere, MOST_DRAWN, readContents, structureOf } from './contents'
import { modelsWith } from './definitions'
import type { Graph } from './graph'

/** So many twins of the graph are drawn around those of the file; more where the file has few. */
const LEAST_AROUND = 500

/** What there was: twins and relationships that the file has too, and twins that its relationships lead to. */
export interface There {
  readonly twins: ReadonlyMap<string, JsonObject>
  readonly lines: ReadonlyMap<string, StructureEdge>
  readonly around: readonly StructureNode[]
  /** Models of the file that the graph has not. */
  readonly newModels: number
}

export interface Brought {
  readonly contents: Contents | undefined
  /** Only the server can read it. */
  readonly isUnread: boolean
  /** Undefined until it is known, and where nobody may ask. */
  readonly there: There | undefined
  /** Nothing is drawn before it is known what there is around. */
  readonly structure: Structure | undefined
  /** The graph's models and those of the file. */
  readonly models: Models
}

function useContents(body: Blob | string, graph: Graph | undefined): Contents | 'unread' | undefined {
  // The same text made anew is the same content: what becomes of it is told of before it was imported.
  const made = useMemo(() => (graph ? contentsOf(graph) : undefined), [body])
  const [read, setRead] = useState<Contents | 'unread'>()
  useEffect(() => {
    if (!(body instanceof Blob)) return undefined
    const ended = new AbortController()
    // What cannot be unpacked here may be a file for the server all the same.
    readContents(body, ended.signal).then((contents) => { if (!ended.signal.aborted) setRead(contents) }, () => { if (!ended.signal.aborted) setRead('unread') })
    return () => { ended.abort() }
  }, [body])
  return made ?? read
}

async function readThere(graph: string, contents: Contents, models: Models, signal: AbortSignal): Promise<There> {
  const asked = { graph, at: undefined, signal, label: undefined }
  const [twins, around] = await Promise.all([
    twinsById(asked, [...contents.twins.keys()]),
    nodesById(asked, endsElsewhere(contents).slice(0, Math.max(LEAST_AROUND, MOST_DRAWN - contents.twins.size))),
  ])
  const known = new Map(twins.map((twin): [string, JsonObject] => [twin.$dtId, twin as unknown as JsonObject]))
  const sources = [...new Set([...contents.edges.values()].map((edge) => edge.source))].filter((id) => known.has(id) || around.some((node) => node.id === id))
  const lines = sources.length === 0 ? [] : await linesOf(asked, sources.slice(0, MOST_DRAWN), 'out')
  const newModels = contents.definitions.filter((each) => typeof each['@id'] !== 'string' || !models.get(each['@id'])).length
  return { twins: known, around, newModels, lines: new Map(lines.map((edge) => [edge.key, edge])) }
}

export function useBrought(body: Blob | string, graph: Graph | undefined): Brought {
  const { name } = useGraph()
  const may = useMay()
  const mayAsk = may('query/action')
  const known = useModels()
  const found = useContents(body, graph)
  const contents = found === 'unread' ? undefined : found
  const [there, setThere] = useState<There | 'unknown'>()
  // What there was before the file came: an import adds to it, and the marks stay.
  const before = useRef(known)
  before.current = known
  useEffect(() => {
    if (!contents) return undefined
    if (!mayAsk) { setThere('unknown'); return undefined }
    const ended = new AbortController()
    readThere(name, contents, before.current, ended.signal).then((found) => { setThere(found) }, () => { if (!ended.signal.aborted) setThere('unknown') })
    return () => { ended.abort() }
  }, [name, contents, mayAsk])
  const structure = useMemo(() => (contents && there ? structureOf(contents, there === 'unknown' ? [] : there.around) : undefined), [contents, there])
  const models = useMemo(() => modelsWith(known, contents?.definitions ?? []), [known, contents])
  return { contents, isUnread: found === 'unread', there: there === 'unknown' ? undefined : there, structure, models }
}

