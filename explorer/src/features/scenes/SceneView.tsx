import { type ReactNode, useCallback, useEffect, useMemo, useState } from 'react'
import { asApiError } from '@/api/errors'
import { formatSelection, selectionOf, useGoing } from '@/state/url'
import { t } from '@/text/text'
import { Empty, Failed, Waiting } from '@/ui/states'
import { ElementList } from './ElementList'
import { type Drawing } from './drawing'
import { drawingOf, type SavedScene, useSceneFile } from './data'
import { Editor } from './Editor'
import { Head } from './Head'
import { Legend } from './Legend'
import { Paper } from './Paper'
import { type Behaviour, bind, type Scene } from './scene'
import type { DraftOfScene } from './useDraft'
import { useLively } from './useLively'
import { WidgetCard } from './Widgets'

export interface SceneProps { readonly name: string; readonly scene: Scene; readonly saved: SavedScene | undefined; readonly draft: DraftOfScene; readonly isEdited: boolean }

type Read = { readonly kind: 'none' | '3d' } | { readonly kind: 'drawing'; readonly drawing: Drawing } | { readonly kind: 'failed'; readonly error: ReturnType<typeof asApiError> }

function useDrawing(file: string): { readonly read: Read; readonly query: ReturnType<typeof useSceneFile> } {
  const query = useSceneFile(file)
  const read = useMemo((): Read => {
    if (!query.data) return { kind: 'none' }
    if (query.data.kind === '3d') return { kind: '3d' }
    try {
      return { kind: 'drawing', drawing: drawingOf(query.data.text) }
    } catch (error) {
      return { kind: 'failed', error: asApiError(error) }
    }
  }, [query.data])
  return { read, query }
}

/** Which behaviours are on: as the scene says, until somebody switches. */
function useToggles(scene: Scene): { readonly isOn: (behaviour: Behaviour) => boolean; readonly toggle: (behaviour: Behaviour) => void } {
  const [switched, setSwitched] = useState<ReadonlyMap<string, boolean>>(new Map())
  const isOn = useCallback((behaviour: Behaviour) => switched.get(behaviour.id) ?? behaviour.off !== true, [switched])
  const toggle = (behaviour: Behaviour): void => { setSwitched(new Map([...switched, [behaviour.id, !isOn(behaviour)]])) }
  useEffect(() => { setSwitched(new Map()) }, [scene.file])
  return { isOn, toggle }
}

/** A scene: its elements at the left, the drawing, what it shows below; the same while it is edited. */
export function SceneView(props: SceneProps): ReactNode {
  const { scene, draft, isEdited } = props
  const going = useGoing()
  const selected = useMemo(() => selectionOf(going.place.parameters), [going.place.parameters])
  const { read, query } = useDrawing(scene.file)
  const { isOn, toggle } = useToggles(scene)
  const lively = useLively(scene, isOn)
  const [hovered, setHovered] = useState<string>()
  const [picked, setPicked] = useState<string>()
  const byElement = useMemo(() => new Map(scene.bindings.map((each) => [each.element, each.twin])), [scene.bindings])
  const drawing = read.kind === 'drawing' ? read.drawing : undefined
  const active = useMemo(() => new Set(isEdited && drawing ? [...[...drawing.elements.values()].filter((each) => !each.isThrough).map((each) => each.id), ...byElement.keys()] : byElement.keys()), [isEdited, drawing, byElement])
  const chosen = useMemo(() => {
    const lit = scene.bindings.filter((each) => selected.includes(each.twin)).map((each) => each.element)
    return new Set(isEdited && picked !== undefined ? [picked] : lit)
  }, [scene.bindings, selected, picked, isEdited])
  const unbound = useMemo(() => new Set(isEdited && drawing ? unboundOf(drawing, byElement) : []), [isEdited, drawing, byElement])
  const choose = (element: string | undefined, more = false): void => {
    setPicked(element)
    const bound = element === undefined ? undefined : byElement.get(element)
    // A twin that is not there cannot be selected; its element can be bound anew.
    const twin = bound !== undefined && lively.missing?.has(bound) ? undefined : bound
    const next = twin === undefined ? [] : more ? (selected.includes(twin) ? selected.filter((id) => id !== twin) : [...selected, twin]) : [twin]
    if (formatSelection(next) !== formatSelection(selected)) going.step({ sel: formatSelection(next) })
  }
  const drop = (element: string, twin: string): void => { draft.change((before) => bind(before, element, twin)); setPicked(element) }
  // A twin that is selected elsewhere is the element that is edited.
  useEffect(() => {
    const found = selected.length > 0 ? scene.bindings.find((each) => selected.includes(each.twin)) : undefined
    if (found) setPicked((before) => (before !== undefined && selected.includes(byElement.get(before) ?? '') ? before : found.element))
  }, [selected])
  const shared = { scene, drawing, lively, chosen, hovered, onHover: setHovered, onChoose: choose }
  return (
    <div className="scenes" data-testid="scenes.scene" data-edited={isEdited ? '' : undefined}>
      <Head {...props} lively={lively} drawing={drawing} />
      <div className="scenes-panes">
        {isEdited ? <Editor {...shared} draft={draft} picked={picked} is3d={read.kind === '3d'} /> : <aside className="scenes-side" aria-label={t('scenes.elements')}><ElementList {...shared} isOn={isOn} /></aside>}
        <div className="scenes-middle">
          {read.kind === '3d' && <Empty text={t('scenes.later-3d')} testId="scenes.3d" />}
          {read.kind === 'failed' && <Failed error={read.error} />}
          {query.error && <Failed error={asApiError(query.error)} onRetry={() => { void query.refetch() }} />}
          {query.isPending && <Waiting what={t('scenes.what-file')} rows={8} rowHeight={48} />}
          {drawing && (
            <Paper drawing={drawing} looks={lively.looks} active={active} chosen={chosen} hovered={hovered} unbound={unbound} label={t('scenes.drawing', { title: scene.title })} onChoose={choose} onHover={setHovered} {...(isEdited && { onDrop: drop })}>
              <WidgetCard scene={scene} lively={lively} isOn={isOn} selected={selected} />
              <Legend scene={scene} lively={lively} isOn={isOn} onToggle={(behaviour) => { toggle(behaviour) }} />
            </Paper>
          )}
        </div>
      </div>
    </div>
  )
}

/** More outlines than this are no help. */
const MOST_OUTLINED = 400

/** Elements that could be bound and are not. Groups of others, texts and what clicks pass through are seldom meant. */
function unboundOf(drawing: Drawing, bound: ReadonlyMap<string, string>): readonly string[] {
  const all = [...drawing.elements.values()]
  const found = all.filter((each, index) => (all[index + 1]?.depth ?? 0) <= each.depth && !each.isThrough && each.tag !== 'text' && each.tag !== 'tspan' && !bound.has(each.id)).map((each) => each.id)
  return found.length > MOST_OUTLINED ? [] : found
}
