/** What an export is put together from: streams of the server, line by line, in either form. */
import { open } from '@/api/http'
import { isObject, type Json, type JsonObject, parseJson, writeJson } from '@/api/json'
import type { Models } from '@/dtdl/models'
import { listOf } from '@/parts/structure/structure'
import { linesOf } from './bytes'

export type Section = 'Models' | 'Twins' | 'Relationships'
export type Format = 'ndjson' | 'explorer'

/** One line of an export, with the section that it stands in. */
export interface Line { readonly section: string; readonly text: string }

export interface Wanted {
  readonly what: 'all' | 'query' | 'selection'
  readonly query: string
  readonly selection: readonly string[]
  readonly models: boolean
  /** Also what servers add: times, etags. */
  readonly system: boolean
  readonly format: Format
}

/** Opens an export of the server; without a query, of the whole graph. */
export type Opener = (query: string | undefined) => Promise<ReadableStream<Uint8Array>>

export function opener(graph: string, at: string | undefined, system: boolean, signal: AbortSignal): Opener {
  return async (query) => {
    const response = await open(graph, { path: '/kastor/v1/export', at, signal, query: { query, system: system || undefined }, headers: { accept: 'application/x-ndjson' } })
    return response.body ?? new Response('').body ?? new ReadableStream()
  }
}

const HEADER = 'Header'

/** Lines of an export with their sections, the header left out. */
export async function* sectioned(bytes: ReadableStream<Uint8Array>): AsyncGenerator<Line> {
  let section = HEADER
  for await (const text of linesOf(bytes as ReadableStream<BufferSource>)) {
    if (text === '') continue
    const begins = /^\{"Section":"([^"]+)"\}$/.exec(text)
    if (begins) section = begins[1] ?? ''
    else if (section !== HEADER) yield { section, text }
  }
}

/** Twins and what runs between them. */
export function queriesOf(selection: readonly string[]): readonly [string, string] {
  const ids = listOf(selection)
  return [`SELECT * FROM DIGITALTWINS T WHERE T.$dtId IN ${ids}`, `SELECT * FROM RELATIONSHIPS R WHERE R.$sourceId IN ${ids} AND R.$targetId IN ${ids}`]
}

/** Models, with those that they extend and have as components. */
export function closureOf(models: Models, ids: Iterable<string>): ReadonlySet<string> {
  const found = new Set<string>()
  const open = [...ids]
  for (let id = open.pop(); id !== undefined; id = open.pop()) {
    if (found.has(id)) continue
    found.add(id)
    const model = models.get(id)
    open.push(...(model?.bases ?? []), ...(model?.contents ?? []).flatMap((each) => (each.kind === 'component' && each.model !== undefined ? [each.model] : [])))
  }
  return found
}

/** The models of the whole graph: they come first, and the rest is not read. */
async function* modelLines(from: Opener, keep: (id: string) => boolean): AsyncGenerator<Line> {
  for await (const line of sectioned(await from(undefined))) {
    if (line.section !== 'Models') return
    const model = parseJson(line.text)
    if (isObject(model) && keep(typeof model['@id'] === 'string' ? model['@id'] : '')) yield line
  }
}

/** All lines of an export, in the order in which an import reads them. `modelsOf` are those of the selected twins. */
export async function* linesWanted(wanted: Wanted, from: Opener, modelsOf: () => Promise<ReadonlySet<string>>): AsyncGenerator<Line> {
  if (wanted.what === 'all') {
    for await (const line of sectioned(await from(undefined))) if (wanted.models || line.section !== 'Models') yield line
    return
  }
  // What is wrong with a query is told before anything is written.
  const opened = await from(wanted.what === 'query' ? wanted.query : queriesOf(wanted.selection)[0])
  if (wanted.models) {
    const needed = wanted.what === 'selection' ? await modelsOf() : undefined
    yield* modelLines(from, (id) => needed?.has(id) ?? true)
  }
  yield* sectioned(opened)
  if (wanted.what === 'selection') yield* sectioned(await from(queriesOf(wanted.selection)[1]))
}

/** As imports read it. */
export async function* asImport(lines: AsyncIterable<Line>): AsyncGenerator<string> {
  yield '{"Section":"Header"}\n{"fileVersion":"1.0.0","author":"Kastor"}\n'
  let last = HEADER
  for await (const { section, text } of lines) {
    yield section === last ? `${text}\n` : `{"Section":"${section}"}\n${text}\n`
    last = section
  }
}

const PLACES: Readonly<Record<string, readonly [before: string, name: string]>> = {
  Models: ['', 'digitalTwinsModels'], Twins: ['"digitalTwinsGraph":{', 'digitalTwins'], Relationships: ['"digitalTwinsGraph":{', 'relationships'],
}

/** As ADT Explorer has it, written as the lines come: its members have no order, so that models may be the first. */
export async function* asExplorer(lines: AsyncIterable<Line>): AsyncGenerator<string> {
  yield '{"digitalTwinsFileInfo":{"fileVersion":"1.0.0"}'
  let last = ''
  let around = ''
  const named = new Set<string>()
  for await (const { section, text } of lines) {
    const [before, name] = PLACES[section] ?? []
    if (before === undefined || name === undefined) continue
    if (section !== last) {
      yield `${last === '' ? '' : '\n]'}${around !== '' && around === before ? ',' : `${around === '' ? '' : '}'},${before}`}\n"${name}":[`
      ;[last, around] = [section, before]
      named.add(name)
      yield `\n${inExplorer(section, text)}`
    } else yield `,\n${inExplorer(section, text)}`
  }
  const close = `${last === '' ? '' : '\n]'}${around === '' ? '' : '}'}`
  // Its readers look for every section.
  const missing = [...(named.has('digitalTwins') || named.has('relationships') ? [] : ['"digitalTwinsGraph":{"digitalTwins":[],"relationships":[]}']), ...(named.has('digitalTwinsModels') ? [] : ['"digitalTwinsModels":[]'])]
  yield `${close}${missing.map((each) => `,\n${each}`).join('')}}\n`
}

function inExplorer(section: string, text: string): string {
  if (section !== 'Relationships') return text
  const { $dtId, ...rest } = parseJson(text) as JsonObject & { readonly $dtId?: Json }
  return writeJson({ ...($dtId !== undefined && { $sourceId: $dtId }), ...rest })
}

const CHUNK = 65_536

/** Texts as a stream of bytes, in pieces that are worth writing. */
export function streamOf(texts: AsyncGenerator<string>): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder()
  return new ReadableStream<Uint8Array>({
    pull: async (to) => {
      let chunk = ''
      while (chunk.length < CHUNK) {
        const { done, value } = await texts.next()
        if (done === true) {
          if (chunk !== '') to.enqueue(encoder.encode(chunk))
          to.close()
          return
        }
        chunk += value
      }
      to.enqueue(encoder.encode(chunk))
    },
    cancel: async () => { await texts.return(undefined) },
  })
}

/** The export that is wanted. What the server has as it is wanted is passed on byte for byte. */
export async function exported(wanted: Wanted, from: Opener, modelsOf: () => Promise<ReadonlySet<string>>): Promise<ReadableStream<Uint8Array>> {
  if (wanted.format === 'ndjson' && wanted.what === 'all' && wanted.models) return from(undefined)
  if (wanted.format === 'ndjson' && wanted.what === 'query' && !wanted.models) return from(wanted.query)
  const lines = linesWanted(wanted, from, modelsOf)
  const texts = wanted.format === 'ndjson' ? asImport(lines) : asExplorer(lines)
  // The first text is the header: what is behind it says whether there is an export at all.
  const [head, first] = [await texts.next(), await texts.next()]
  return streamOf(prepended([head.value, first.done === true ? undefined : first.value], texts))
}

async function* prepended(begin: readonly unknown[], rest: AsyncGenerator<string>): AsyncGenerator<string> {
  for (const each of begin) if (typeof each === 'string') yield each
  yield* rest
}
