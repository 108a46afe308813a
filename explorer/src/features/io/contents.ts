/** What a file would bring: how much of what, and its first twins with the lines among them. Read once, however large it is. */
import { isObject, type Json, type JsonObject, parseJson } from '@/api/json'
import { edgeOf, merged, nodeOfTwin, NOTHING, type Structure, type StructureEdge, type StructureNode } from '@/parts/structure/structure'
import { linesOf, unpacked } from './bytes'
import type { Graph, Row } from './graph'

export const MOST_DRAWN = 2000
const MOST_LINES_DRAWN = 20_000
/** Characters of a file that are read; of what follows only the server knows. */
const MOST_READ = 400_000_000

export interface Contents {
  readonly counts: { readonly models: number; readonly twins: number; readonly relationships: number }
  /** Not all of the file was read. */
  readonly partly: boolean
  readonly definitions: readonly JsonObject[]
  /** The first twins, by id, as the file has them; of two of one id the later. */
  readonly twins: ReadonlyMap<string, JsonObject>
  /** Lines that begin or end at one of them; without twins the first of all. */
  readonly edges: ReadonlyMap<string, StructureEdge>
  /** By line of the import: the twin, or the key of the relationship. */
  readonly keys: ReadonlyMap<number, string>
}

const SECTIONS = ['models', 'twins', 'relationships'] as const
type Section = (typeof SECTIONS)[number]

/** Takes lines as they come. */
export class Reader {
  readonly #counts = { models: 0, twins: 0, relationships: 0 }
  readonly #definitions: JsonObject[] = []
  readonly #twins = new Map<string, JsonObject>()
  readonly #edges = new Map<string, StructureEdge>()
  readonly #keys = new Map<number, string>()

  take(section: Section, line: number, body: () => Json): void {
    this.#counts[section] += 1
    if (section === 'models') {
      if (this.#definitions.length < MOST_DRAWN) this.#model(body())
    } else if (section === 'twins') {
      if (this.#twins.size < MOST_DRAWN) this.#twin(line, body())
    } else if (this.#edges.size < (this.#twins.size > 0 ? MOST_LINES_DRAWN : MOST_DRAWN)) this.#edge(line, body())
  }

  done(partly: boolean): Contents { return { counts: this.#counts, partly, definitions: this.#definitions, twins: this.#twins, edges: this.#edges, keys: this.#keys } }

  #model(body: Json): void { if (isObject(body)) this.#definitions.push(body) }

  #twin(line: number, body: Json): void {
    const id = isObject(body) ? body['$dtId'] : undefined
    if (!isObject(body) || typeof id !== 'string') return
    this.#twins.set(id, body)
    this.#keys.set(line, id)
  }

  #edge(line: number, body: Json): void {
    if (!isObject(body)) return
    const edge = edgeOf({ ...body, $sourceId: body['$sourceId'] ?? body['$dtId'] ?? null })
    // Of a file of relationships alone all ends are elsewhere.
    if (!edge || (this.#twins.size > 0 && !this.#twins.has(edge.source) && !this.#twins.has(edge.target))) return
    this.#edges.set(edge.key, edge)
    this.#keys.set(line, edge.key)
  }
}

/** What was made of a table or a JSON file; lines count as `importText` writes them. */
export function contentsOf(graph: Graph): Contents {
  const reader = new Reader()
  let line = 2
  for (const section of SECTIONS) {
    const rows: readonly Row[] = graph[section]
    if (rows.length === 0) continue
    line += 1
    for (const row of rows) reader.take(section, line += 1, () => row.body)
  }
  return reader.done(false)
}

/** Read the file of an import as far as a preview needs it. Lines that are no JSON are the server's to tell of. */
export async function readContents(file: Blob, signal: AbortSignal, most = MOST_READ): Promise<Contents> {
  const reader = new Reader()
  let section: string | undefined
  let [line, read] = [0, 0]
  for await (const text of linesOf(await unpacked(file))) {
    signal.throwIfAborted()
    line += 1
    read += text.length
    if (read > most) break
    if (text.trim() === '') continue
    const begins = /^\uFEFF?\s*\{\s*"Section"\s*:\s*"([^"]+)"\s*\}\s*$/.exec(text)
    if (begins) section = begins[1]?.toLowerCase()
    else if (isSection(section)) reader.take(section, line, () => quietly(text))
  }
  return reader.done(read > most)
}

function isSection(text: string | undefined): text is Section { return SECTIONS.some((each) => each === text) }

function quietly(text: string): Json {
  try {
    return parseJson(text)
  } catch {
    return null
  }
}

/** What is drawn: the first twins, the twins of the graph that lines lead to, and the lines. */
export function structureOf(contents: Contents, around: readonly StructureNode[]): Structure {
  const nodes = [...contents.twins.values()].flatMap((twin) => nodeOfTwin(twin, undefined) ?? [])
  return merged(NOTHING, [...around, ...nodes], contents.edges.values())
}

/** Ids that lines lead to or from and that the file itself does not draw. */
export function endsElsewhere(contents: Contents): readonly string[] {
  return [...new Set([...contents.edges.values()].flatMap((edge) => [edge.source, edge.target]))].filter((id) => !contents.twins.has(id))
}
