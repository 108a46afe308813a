/**
 * The drawing alone, on a server's graph or on one that is made here: `dev/draw.html?lay=nested&lens=PATH&sel=ID&bright&dark&big=10000`.
 * `window.view` is the GraphView, `window.timed` what the first picture took.
 */
import '@/ui/base.css'
import type { ResolvedModel } from '@/dtdl/model'
import { Models } from '@/dtdl/models'
import { createGraphView } from '@/graph/view'
import { NO_LOOKS } from '@/graph/state'
import type { GraphEdge, GraphNode, Looks, ShownValue } from '@/graph/types'
import { runLayout } from '@/layout/run'
import { LAYOUTS } from '@/layout/types'
import { SHAPES } from '@/ui/mark'

type Row = Record<string, unknown>

const asked = new URLSearchParams(location.search)
if (asked.has('dark')) document.documentElement.dataset['theme'] = 'dark'

async function rows(query: string): Promise<Row[]> {
  const found: Row[] = []
  let token: string | undefined
  do {
    const answer = await fetch('/query?api-version=2023-10-31', {
      method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(token ? { continuationToken: token } : { query }),
    })
    const page = await answer.json() as { value: Row[]; continuationToken?: string }
    found.push(...page.value)
    token = page.continuationToken ?? undefined
  } while (token)
  return found
}

function at(row: Row, path: string): unknown { return path.split('.').reduce<unknown>((value, name) => (value as Row | undefined)?.[name], row) }

function text(value: unknown, unit: string): string {
  return typeof value === 'number' ? `${unit === '°' ? value.toFixed(1) : Number.isInteger(value) ? value : value.toFixed(1)}${unit}` : typeof value === 'boolean' ? (value ? 'on' : 'off') : String(value)
}

interface Graph { readonly nodes: GraphNode[]; readonly edges: GraphEdge[]; readonly levels: Map<string, number>; readonly rows: Row[] }

async function served(): Promise<Graph> {
  const resolved = await (await fetch('/kastor/v1/models/resolved')).json() as { value: ResolvedModel[] }
  const models = new Models(1, resolved.value)
  const twins = await rows('SELECT * FROM DIGITALTWINS')
  const relationships = await rows('SELECT * FROM RELATIONSHIPS')
  const used = new Set(twins.map((row) => String(at(row, '$metadata.$model'))))
  return {
    rows: twins, levels: new Map(twins.flatMap((row) => (typeof row['level'] === 'number' ? [[String(row['$dtId']), row['level']]] : []))),
    nodes: twins.map((row) => {
      const model = String(at(row, '$metadata.$model'))
      return { id: String(row['$dtId']), model, modelName: models.name(model), label: String(row['name'] ?? row['$dtId']), look: lookIn(models, used, model), orphan: false }
    }),
    edges: relationships.map((row) => edge(String(row['$sourceId']), String(row['$targetId']), String(row['$relationshipName']), String(row['$relationshipId']))),
  }
}

/** Only what has twins takes colours and shapes. */
function lookIn(models: Models, used: ReadonlySet<string>, model: string): GraphNode['look'] {
  const families = models.families.filter((family) => models.modelsOf(family).some((each) => used.has(each)))
  const place = models.modelsOf(models.family(model)).filter((each) => used.has(each)).indexOf(model)
  return { shape: SHAPES[place % 4] ?? 'circle', hole: place > 3, slot: families.indexOf(models.family(model)) + 1 }
}

function edge(source: string, target: string, name: string, id: string): GraphEdge { return { key: `${source}/${id}`, id, source, target, name, symmetric: name === 'adjacentTo' } }

/** A site of buildings, each of six floors of eighteen rooms with three to five devices. */
function made(most: number): Graph {
  const nodes: GraphNode[] = []
  const edges: GraphEdge[] = []
  const levels = new Map<string, number>()
  const add = (id: string, model: string, label: string, slot: number, shape: number, parent?: string): string => {
    nodes.push({ id, model: `dtmi:made:${model};1`, label, look: { shape: SHAPES[shape % 4] ?? 'circle', hole: false, slot }, orphan: false })
    if (parent !== undefined) edges.push(edge(parent, id, 'hasPart', `e${edges.length}`))
    return id
  }
  const site = add('site', 'Site', 'Site', 1, 1)
  for (let building = 0; nodes.length < most; building += 1) {
    const house = add(`b${building}`, 'Building', `Building ${building + 1}`, 1, 1, site)
    for (let level = 0; level < 6 && nodes.length < most; level += 1) {
      const floor = add(`b${building}f${level}`, 'Floor', `Floor ${level}`, 1, 1, house)
      levels.set(floor, level)
      for (let place = 0; place < 18 && nodes.length < most; place += 1) {
        const room = add(`${floor}r${place}`, 'Room', `Room ${level}.${String(place + 1).padStart(2, '0')}`, 1, 1, floor)
        for (let device = 0; device < 3 + (place % 3); device += 1) add(`${room}d${device}`, `Device${device}`, `Device ${device + 1}`, 2 + (device % 2), device, room)
        if (place > 0) edges.push(edge(`${floor}r${place - 1}`, room, 'adjacentTo', `e${edges.length}`))
      }
    }
  }
  return { nodes, edges, levels, rows: [] }
}

function lensOf(graph: Graph, path: string, unit: string): Map<string, ShownValue> {
  const values = graph.rows.flatMap((row) => {
    const value = at(row, path)
    return typeof value === 'number' ? [[String(row['$dtId']), value] as const] : []
  })
  const sorted = values.map(([, value]) => value).sort((a, b) => a - b)
  const quantile = (share: number): number => sorted[Math.floor(sorted.length * share)] ?? 0
  const far = 1.5 * (quantile(0.75) - quantile(0.25))
  const [low, high] = [Math.floor(Math.max(quantile(0.05), quantile(0.25) - far)), Math.ceil(Math.min(quantile(0.95), quantile(0.75) + far))]
  return new Map(values.map(([id, value]) => [id, { text: text(value, unit), ramp: (value - low) / Math.max(1e-9, high - low) }]))
}

const UNITS: Record<string, string> = { temperature: ' °C', humidity: ' %', co2: ' ppm', power: ' W', brightness: ' %', damperPosition: ' %', occupied: '' }

function looksOf(graph: Graph): Looks {
  const selected = new Set((asked.get('sel') ?? '').split(',').filter((id) => id !== ''))
  const bright = asked.has('bright') ? new Set([...selected, ...graph.edges.flatMap((each) => (selected.has(each.source) || selected.has(each.target) ? [each.source, each.target] : []))]) : undefined
  const path = asked.get('lens')
  if (path === 'made') return { ...NO_LOOKS, lens: new Map(graph.nodes.filter((node) => node.model.includes('Room')).map((node, index) => [node.id, { text: `${index % 30}`, ramp: (index % 30) / 30 }])) }
  const values = new Map(graph.rows.flatMap((row) => {
    const name = Object.keys(row).find((key) => key in UNITS)
    return name === undefined ? [] : [[String(row['$dtId']), { text: text(row[name], UNITS[name] ?? '') }] as const]
  }))
  return { ...NO_LOOKS, selected, bright, values, lens: path ? lensOf(graph, path, '°') : undefined }
}

const container = document.getElementById('graph')
if (!container) throw new Error('no place')
const told: unknown[] = []
const view = createGraphView({
  container, still: asked.has('still'), mayConnect: () => true,
  events: {
    onClick: (info) => told.push(['click', info]), onDoubleClick: (info) => told.push(['double', info]), onMenu: (info) => told.push(['menu', info]),
    onHover: (info) => { if (info) told.push(['hover', info.pick]) }, onMove: (...all) => told.push(['move', ...all]), onConnect: (...all) => told.push(['connect', ...all]),
    onLasso: (ids) => told.push(['lasso', ids]), onCamera: () => undefined, onLost: (reason) => told.push(['lost', reason]),
  },
})
const graph = asked.has('big') ? made(Number(asked.get('big'))) : await served()
const kind = LAYOUTS.find((each) => each === asked.get('lay')) ?? 'nested'

async function lay(wanted: typeof kind) {
  const nodes = graph.nodes.map(({ id, model, label }) => ({ id, model, label, ...(graph.levels.has(id) ? { level: graph.levels.get(id) ?? 0 } : {}) }))
  const aspect = (innerWidth - 48) / (innerHeight - 128)
  const collapsed = (asked.get('shut') ?? '').split(',').filter((id) => id !== '')
  return { nodes: graph.nodes, edges: graph.edges, layout: await runLayout({ kind: wanted, nodes, edges: graph.edges, options: { aspect, collapsed } }) }
}

const picture = await lay(kind)
view.setLooks(looksOf(graph))
const begun = performance.now()
await view.show(picture, { glide: false, keepCamera: false })
const timed = { drawn: performance.now() - begun, boxes: (performance.getEntriesByName('boxes')[0]?.startTime ?? 0) - begun }
view.setLooks(looksOf(graph))
const zoom = asked.get('zoom')
if (zoom) view.zoomTo(zoom)
Object.assign(window, { view, told, timed, graph, lay, NO_LOOKS, looks: looksOf(graph) })
document.body.dataset['ready'] = 'yes'
