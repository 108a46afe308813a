/** The sample building laid out, with what is needed to paint it without a browser. */
import type { Frame } from '@/graph/camera'
import { frameOf, homeCamera } from '@/graph/camera'
import { detailOf } from '@/graph/lod'
import type { Parts } from '@/graph/painter'
import { type Scene, sceneOf } from '@/graph/scene'
import { NO_LOOKS, type State, stateOf } from '@/graph/state'
import type { Tokens } from '@/graph/tokens'
import type { Looks, Picture } from '@/graph/types'
import { runLayout } from '@/layout/run'
import type { LayoutKind } from '@/layout/types'
import { SHAPES } from '@/ui/mark'
import { edges, nodes } from '../layout/sample'

export const TOKENS: Tokens = {
  canvas: '#fbfaf8', surface: '#ffffff', text: '#1b2326', text2: '#4c595e', text3: '#5f6b70', accent: '#0b6a74', select: '#0b6a74', pulse: '#c97700', border: '#e2dfd8',
  ok: '#2b6b3a', warn: '#8a5a00', danger: '#b3261e', past: '#3c70c2', boxes: ['#f6f4f0', '#f1efe9', '#fbfaf8', '#ffffff'], deepLine: '#dedad2', outerLine: '#c9c4ba',
  families: ['#5f6b70', '#236588', '#834f09', '#4ea068', '#a87cd5', '#a54056', '#3c70c2', '#968016', '#ca6da3'], ramp: ['#e2edf8', '#c5e1e6', '#f2e2a6', '#f0bd7e', '#e08e6b'], rampText: '#1b2326',
  sans: 'Inter', plain: false,
}

export async function picture(kind: LayoutKind = 'nested', collapsed: readonly string[] = []): Promise<Picture> {
  const models = [...new Set(nodes.map((node) => node.model))]
  return {
    layout: await runLayout({ kind, nodes, edges, options: { aspect: 1.4, collapsed } }),
    nodes: nodes.map(({ id, model, label }) => ({ id, model, label, orphan: false, look: { shape: SHAPES[models.indexOf(model) % 4] ?? 'circle', hole: false, slot: (models.indexOf(model) % 8) + 1 } })),
    edges: edges.map((edge, index) => ({ ...edge, id: `r${index}`, key: `${edge.source}/r${index}`, symmetric: edge.name === 'adjacentTo' })),
  }
}

export const widths: Parts['widths'] = () => (text) => 0.55 * text.length

export interface Seen extends Parts { readonly scene: Scene; readonly state: State; readonly frame: Frame; readonly detail: ReturnType<typeof detailOf> }

export function seen(shown: Picture, looks: Partial<Looks> = {}, ratio = 1): Seen {
  const scene = sceneOf(shown)
  const frame = frameOf({ ...homeCamera(scene.bounds), ratio }, scene.bounds, { w: 1040, h: 820 })
  return { scene, state: stateOf(scene, { ...NO_LOOKS, ...looks }, TOKENS), tokens: TOKENS, frame, widths, detail: detailOf(frame.u, frame.ratio) }
}
