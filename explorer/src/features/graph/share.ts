/** The view as a link, a saved view, a picture or a file. */
import type { Models } from '@/dtdl/models'
import type { GraphView } from '@/graph/types'
import { chunked, rowsOf, twinsById } from '@/parts/structure/load'
import { edgeOf, listOf } from '@/parts/structure/structure'
import type { OpenGraph } from '@/state/graph'
import { LONGEST_FRAGMENT } from '@/state/fragment'
import { currentPlace, linkTo } from '@/state/url'
import { t } from '@/text/text'
import { copyText } from '@/ui/copy'
import { DownloadIcon, LinkIcon, PictureIcon, SavedIcon } from '@/ui/icons'
import type { MenuItem } from '@/ui/menu'
import { toast } from '@/ui/toasts'
import { pages } from '@/api/pages'
import { asApiError } from '@/api/errors'
import { isObject, type Json, type JsonObject, writeJson } from '@/api/json'
import { saveBlob } from '@/ui/download'
import { familiesOf } from './Legend'
import { screen, useScreen } from './store'
import { countsOf } from './useLens'
import { fragmentOf } from './useFragment'

/** Copy the address of exactly this view, or of it alone; where it would be too long a saved view is offered. */
export async function copyLink(canvas: GraphView | undefined, embedded = false): Promise<void> {
  // The store follows the camera a little later than the eye.
  const fragment = await fragmentOf(canvas ? { ...screen().state, camera: canvas.camera() } : screen().state)
  if (fragment.length > LONGEST_FRAGMENT) { useScreen.setState({ saving: true }); toast({ text: t('graph.link-long') }); return }
  await copyText(linkTo(currentPlace(), fragment, embedded), t(embedded ? 'graph.embed-copied' : 'graph.link-copied'))
}

function download(name: string, content: Blob | string, type?: string): void { saveBlob(content, name, type) }

function failed(error: unknown): void { toast({ kind: 'error', text: asApiError(error).message }) }

async function png(canvas: GraphView, models: Models, withLegend: boolean, name: string): Promise<void> {
  const { structure, state } = screen()
  const legend = withLegend ? familiesOf(models, countsOf(structure), state.slots).map((family) => ({ text: `${family.name} ${family.count}`, look: family.look })) : []
  download(`${name}.png`, await canvas.toPng({ scale: 2, legend }))
}

interface Whole { readonly models: readonly Json[]; readonly twins: readonly JsonObject[]; readonly relationships: readonly JsonObject[] }

interface ModelData extends JsonObject { readonly id: string; readonly model?: Json }

/** The documents of all that is shown and not hidden, with the models that it needs. */
async function documents({ name, at }: OpenGraph): Promise<Whole> {
  const { structure, state } = screen()
  const hidden = new Set(state.hidden)
  const ids = [...structure.nodes.keys()].filter((id) => !hidden.has(id))
  const shown = new Set(ids)
  const asked = { graph: name, at, label: undefined }
  const twins = await twinsById(asked, ids)
  const relationships: JsonObject[] = []
  for (const chunk of chunked(ids)) {
    for (const row of await rowsOf(asked, `SELECT * FROM RELATIONSHIPS R WHERE R.$sourceId IN ${listOf(chunk)}`, Infinity)) {
      const edge = edgeOf(row)
      if (edge && isObject(row) && structure.edges.has(edge.key) && shown.has(edge.target)) relationships.push(row)
    }
  }
  const models: Json[] = []
  for await (const { data } of pages<ModelData>(name, { path: '/models', query: { includeModelDefinition: true }, at })) models.push(...data.value.flatMap((each) => each.model ?? []))
  return { models, twins, relationships }
}

function plain(document: JsonObject): Json {
  return Object.fromEntries(Object.entries(document).filter(([name]) => name !== '$etag'))
}

/** As ADT Explorer writes a graph. */
async function explorerJson(graph: OpenGraph): Promise<string> {
  const { models, twins, relationships } = await documents(graph)
  return writeJson({ digitalTwinsFileInfo: { fileVersion: '1.0.0' }, digitalTwinsGraph: { digitalTwins: twins.map(plain), relationships: relationships.map(plain) }, digitalTwinsModels: models }, 2)
}

/** As the import reads it. */
async function ndjson(graph: OpenGraph): Promise<string> {
  const { models, twins, relationships } = await documents(graph)
  return [{ Section: 'Header' }, { fileVersion: '1.0.0', author: 'Kastor', organization: '' }, { Section: 'Models' }, ...models, { Section: 'Twins' }, ...twins.map(plain), { Section: 'Relationships' }, ...relationships.map(plain)].map((line) => writeJson(line)).join('\n') + '\n'
}

export function shareItems(models: Models, canvas: GraphView | undefined, graph: OpenGraph): readonly MenuItem[] {
  const name = `${graph.name}-graph`
  return [
    { text: t('graph.copy-link'), icon: LinkIcon, keys: 'Shift L', run: () => { void copyLink(canvas) }, testId: 'graph.share.link' },
    { text: t('graph.embed'), icon: PictureIcon, run: () => { void copyLink(canvas, true) }, testId: 'graph.share.embed' },
    { text: t('graph.views'), icon: SavedIcon, run: () => { useScreen.setState({ saving: true }) }, testId: 'graph.share.save' },
    { kind: 'line' },
    ...(canvas ? [
      { text: t('graph.png'), icon: PictureIcon, run: () => { void png(canvas, models, false, name).catch(failed) }, testId: 'graph.share.png' },
      { text: t('graph.png-legend'), icon: PictureIcon, run: () => { void png(canvas, models, true, name).catch(failed) }, testId: 'graph.share.png-legend' },
      { text: t('graph.svg'), icon: PictureIcon, run: () => { try { download(`${name}.svg`, canvas.toSvg(), 'image/svg+xml') } catch (error) { failed(error) } }, testId: 'graph.share.svg' },
    ] : []),
    { kind: 'line' },
    { text: t('graph.json'), icon: DownloadIcon, run: () => { void explorerJson(graph).then((text) => { download(`${name}.json`, text) }, failed) }, testId: 'graph.share.json' },
    { text: t('graph.ndjson'), icon: DownloadIcon, run: () => { void ndjson(graph).then((text) => { download(`${name}.ndjson`, text, 'application/x-ndjson') }, failed) }, testId: 'graph.share.ndjson' },
  ]
}
