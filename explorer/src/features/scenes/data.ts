/** Scenes and their files on the server. */
import { useQuery, type UseQueryResult } from '@tanstack/react-query'
import { ApiError } from '@/api/errors'
import { open, path, send } from '@/api/http'
import { isObject, type Json } from '@/api/json'
import { pages } from '@/api/pages'
import type { Page } from '@/api/types'
import { useGraph } from '@/state/graph'
import { t } from '@/text/text'
import { type Drawing, NotADrawing, readDrawing } from './drawing'
import { isThreeD, readScene, type Scene } from './scene'

export interface Entry { readonly name: string; readonly etag: string; readonly createdTime: string; readonly lastUpdateTime: string; readonly by: string; readonly bytes: number }
export interface Dropped { readonly what: string; readonly name: string; readonly count: number; readonly line?: number }
export interface SavedScene { readonly scene: Scene; readonly etag: string }

const SCENES = '/kastor/v1/explorer/scenes'
const FILES = '/kastor/v1/explorer/files'
const MOST = 1000
const THREE_D = new Set(['model/gltf-binary', 'model/gltf+json'])

async function listOf(graph: string, where: string, signal: AbortSignal): Promise<readonly Entry[]> {
  const all: Entry[] = []
  for await (const { data } of pages<Entry, Page<Entry>>(graph, { path: where, signal }, MOST)) all.push(...data.value)
  return all
}

export function useScenes(): UseQueryResult<readonly Entry[]> {
  const { name } = useGraph()
  return useQuery({ queryKey: [name, 'scenes'], queryFn: ({ signal }) => listOf(name, SCENES, signal) })
}

export function useFiles(): UseQueryResult<readonly Entry[]> {
  const { name } = useGraph()
  return useQuery({ queryKey: [name, 'scene-files'], queryFn: ({ signal }) => listOf(name, FILES, signal) })
}

export function sceneKey(graph: string, scene: string): readonly string[] { return [graph, 'scene', scene] }

export async function fetchScene(graph: string, scene: string, signal?: AbortSignal): Promise<SavedScene> {
  const { data, headers } = await send(graph, { path: path(`${SCENES}/{scene}`, { scene }), signal })
  const read = readScene(data)
  if (!read) throw new ApiError(0, 'SceneUnreadable', t('scenes.unreadable', { name: scene }))
  return { scene: read, etag: headers.get('etag') ?? '' }
}

export function useScene(scene: string): UseQueryResult<SavedScene> {
  const { name } = useGraph()
  return useQuery({ queryKey: sceneKey(name, scene), queryFn: ({ signal }) => fetchScene(name, scene, signal) })
}

export type SceneFile = { readonly kind: 'drawing'; readonly text: string } | { readonly kind: '3d' }

/** The file of a scene, as its text: whoever shows it makes a drawing of it. */
export function useSceneFile(file: string | undefined): UseQueryResult<SceneFile> {
  const { name } = useGraph()
  return useQuery({
    queryKey: [name, 'scene-file', file], enabled: file !== undefined && file !== '', staleTime: Infinity,
    queryFn: async ({ signal }): Promise<SceneFile> => {
      const response = await open(name, { path: path(`${FILES}/{file}`, { file: file ?? '' }), signal, headers: { accept: '*/*' } })
      const type = (response.headers.get('content-type') ?? '').split(';')[0]?.trim() ?? ''
      if (THREE_D.has(type) || isThreeD(file ?? '')) {
        await response.body?.cancel()
        return { kind: '3d' }
      }
      return { kind: 'drawing', text: await response.text() }
    },
  })
}

/** Make a drawing of a file's text; an ApiError says what is wrong with it. */
export function drawingOf(text: string): Drawing {
  try {
    return readDrawing(text)
  } catch (error) {
    if (error instanceof NotADrawing) throw new ApiError(0, 'NotADrawing', t('scenes.not-a-drawing'))
    throw error
  }
}

/** Save a scene over the version with this ETag; without one it must be new. Returns the ETag that it has now. */
export async function saveScene(graph: string, name: string, scene: Scene, etag: string | undefined, anyway = false): Promise<string> {
  const condition: Record<string, string> = anyway ? {} : etag === undefined ? { 'if-none-match': '*' } : { 'if-match': etag }
  const { headers } = await send(graph, { method: 'PUT', path: path(`${SCENES}/{name}`, { name }), body: scene, headers: condition })
  return headers.get('etag') ?? ''
}

export async function deleteScene(graph: string, name: string): Promise<void> { await send(graph, { method: 'DELETE', path: path(`${SCENES}/{name}`, { name }) }) }
export async function deleteFile(graph: string, name: string): Promise<void> { await send(graph, { method: 'DELETE', path: path(`${FILES}/{name}`, { name }) }) }

function typeOf(file: File): string {
  if (/\.glb$/i.test(file.name)) return 'model/gltf-binary'
  return /\.gltf$/i.test(file.name) ? 'model/gltf+json' : 'image/svg+xml'
}

function isDropped(value: Json): value is Json & Dropped { return isObject(value) && typeof value['what'] === 'string' && typeof value['name'] === 'string' && typeof value['count'] === 'number' }

/** Upload a file; returns what the server took out of it. A file of that name is replaced only when told. */
export async function uploadFile(graph: string, file: File, name: string, replace: boolean): Promise<readonly Dropped[]> {
  const { data } = await send(graph, { method: 'PUT', path: path(`${FILES}/{name}`, { name }), raw: file, headers: { 'content-type': typeOf(file), 'if-none-match': replace ? undefined : '*' } })
  const dropped = isObject(data) ? data['dropped'] : undefined
  return Array.isArray(dropped) ? (dropped as readonly Json[]).filter(isDropped) : []
}
