/** What is edited of a scene and not saved yet: it outlives a reload. */
import { useCallback, useEffect, useMemo, useState } from 'react'
import { isObject, parseJson, writeJson } from '@/api/json'
import { keepDraft, readDraft } from '@/state/drafts'
import type { SavedScene } from './data'
import { readScene, type Scene } from './scene'

export interface Draft {
  readonly scene: Scene
  /** The version that it began with. */
  readonly etag: string
}

export interface DraftOfScene {
  readonly draft: Draft | undefined
  readonly change: (how: (scene: Scene) => Scene) => void
  readonly forget: () => void
  /** A version was saved: what was done since goes on from it. */
  readonly saved: (scene: Scene, etag: string) => void
  /** Go on from another version, such as the one that was just read. */
  readonly rebase: (etag: string) => void
  readonly undo: (() => void) | undefined
  /** Too large to outlive a reload. */
  readonly isFleeting: boolean
}

const KIND = 'scene'
const MOST_STEPS = 100

export function readDraftText(text: string): Draft | undefined {
  try {
    const value = parseJson(text)
    if (!isObject(value) || typeof value['etag'] !== 'string') return undefined
    const scene = readScene(value['scene'] ?? null)
    return scene && { scene, etag: value['etag'] }
  } catch {
    return undefined
  }
}

export function writeDraftText(draft: Draft): string { return writeJson(draft) }

/** The steps that were done after the one that was saved; of an undone one nothing is known but what stands now. */
export function stepsSince(steps: readonly Draft[], scene: Scene, etag: string): readonly Draft[] {
  const at = steps.findLastIndex((each) => each.scene === scene)
  return (at < 0 ? steps.slice(-1) : steps.slice(at + 1)).map((each) => ({ ...each, etag }))
}

export function useSceneDraft(graph: string, name: string, saved: SavedScene | undefined): DraftOfScene {
  const [steps, setSteps] = useState<readonly Draft[]>(() => {
    const text = readDraft(graph, KIND, name)
    const kept = text === undefined ? undefined : readDraftText(text)
    return kept ? [kept] : []
  })
  const [isFleeting, setFleeting] = useState(false)
  const draft = steps.at(-1)
  useEffect(() => { setFleeting(!keepDraft(graph, KIND, name, draft && writeDraftText(draft))) }, [graph, name, draft])
  const change = useCallback((how: (scene: Scene) => Scene) => {
    setSteps((before) => {
      const last = before.at(-1) ?? saved
      return last ? [...before, { scene: how(last.scene), etag: last.etag }].slice(-MOST_STEPS) : before
    })
  }, [saved])
  const forget = useCallback(() => { setSteps([]) }, [])
  const tookSaved = useCallback((scene: Scene, etag: string) => { setSteps((before) => stepsSince(before, scene, etag)) }, [])
  const rebase = useCallback((etag: string) => { setSteps((before) => before.map((each) => ({ ...each, etag }))) }, [])
  return useMemo(() => ({ draft, change, forget, saved: tookSaved, rebase, undo: draft ? () => { setSteps((before) => before.slice(0, -1)) } : undefined, isFleeting }), [draft, change, forget, tookSaved, rebase, isFleeting])
}
