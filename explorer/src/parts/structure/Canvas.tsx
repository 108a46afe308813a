/** A picture of the graph in the page; WebGL and all that draws is loaded when it is first shown. */
import './structure.css'
import { type ReactNode, useEffect, useRef } from 'react'
import { NO_PICTURE } from '@/graph/nothing'
import type { GraphEvents, GraphView, Looks, Picture } from '@/graph/types'
import { useSettings } from '@/state/settings'
import { isTest } from '@/state/url'

export const NO_LOOKS: Looks = {
  selected: new Set(), hidden: new Set(), hiddenNames: new Set(), hits: new Set(), pinned: new Set(), drafts: new Set(), bright: undefined,
  differences: new Map(), lens: undefined, values: new Map(), past: false,
}

/** More marks than this jump to their new places. */
const MOST_GLIDING = 1500

export interface CanvasProps {
  readonly picture: Picture | undefined
  readonly looks: Looks
  readonly events: GraphEvents
  readonly mayConnect?: () => boolean
  /** Called with the view when it is there, with undefined when it goes. */
  readonly onView: (view: GraphView | undefined) => void
  /** Called when a picture is drawn; `first` of this canvas. */
  readonly onDrawn?: (view: GraphView, first: boolean) => void
}

const noMotion = window.matchMedia('(prefers-reduced-motion: reduce)')

export function Canvas(props: CanvasProps): ReactNode {
  const container = useRef<HTMLDivElement>(null)
  const live = useRef(props)
  const shown = useRef<Picture | undefined>(undefined)
  const viewRef = useRef<GraphView | undefined>(undefined)
  live.current = props

  const draw = useRef(async (): Promise<void> => {
    const view = viewRef.current
    const before = shown.current
    // Where a picture was and nothing is left to show, nothing is shown.
    const picture = live.current.picture ?? (before && NO_PICTURE)
    if (!view || !picture || before === picture) return
    shown.current = picture
    view.setLooks(live.current.looks)
    const keepCamera = before !== undefined && (sameFrame(before, picture))
    await view.show(picture, { glide: before !== undefined && picture.nodes.length <= MOST_GLIDING, keepCamera })
    if (viewRef.current === view) live.current.onDrawn?.(view, before === undefined)
  })

  useEffect(() => {
    const element = container.current
    if (!element) return undefined
    let gone = false
    const events = liveEvents(live)
    void import('@/graph/view').then(({ createGraphView }) => {
      if (gone) return
      viewRef.current = createGraphView({ container: element, events, still: isTest || noMotion.matches, mayConnect: () => live.current.mayConnect?.() ?? false })
      live.current.onView(viewRef.current)
      void draw.current()
    })
    return () => {
      gone = true
      viewRef.current?.destroy()
      viewRef.current = undefined
      shown.current = undefined
      live.current.onView(undefined)
    }
  }, [])

  useEffect(() => { void draw.current() }, [props.picture])
  useEffect(() => { viewRef.current?.setLooks(props.looks) }, [props.looks])
  useTheme(() => { viewRef.current?.retheme() })
  return <div ref={container} className="structure-canvas" />
}

/** The camera stays where it is while the picture is about as large as before. */
function sameFrame({ layout: before }: Picture, { layout: after }: Picture): boolean {
  const isAlike = (one: number, other: number): boolean => Math.abs(one - other) <= 0.02 * Math.max(one, other)
  return before.kind === after.kind && isAlike(before.bounds.w, after.bounds.w) && isAlike(before.bounds.h, after.bounds.h)
}

/** Whoever listens may change from one render to the next; the view is told once whom to call. */
function liveEvents(live: { readonly current: CanvasProps }): GraphEvents {
  return {
    onClick: (info) => { live.current.events.onClick(info) },
    onDoubleClick: (info) => { live.current.events.onDoubleClick(info) },
    onMenu: (info) => { live.current.events.onMenu(info) },
    onHover: (info) => { live.current.events.onHover(info) },
    onMove: (id, x, y) => { live.current.events.onMove(id, x, y) },
    onConnect: (from, to, state, at) => { live.current.events.onConnect(from, to, state, at) },
    onLasso: (ids) => { live.current.events.onLasso(ids) },
    onCamera: (camera) => { live.current.events.onCamera(camera) },
    onLost: (reason) => { live.current.events.onLost(reason) },
  }
}

function useTheme(retheme: () => void): void {
  const call = useRef(retheme)
  call.current = retheme
  const theme = useSettings((state) => state.theme)
  useEffect(() => { call.current() }, [theme])
  useEffect(() => {
    const queries = ['(prefers-color-scheme: dark)', '(prefers-contrast: more)', '(forced-colors: active)'].map((query) => window.matchMedia(query))
    // The theme is written into the page by a listener of its own: ours comes after it.
    const later = (): void => { requestAnimationFrame(() => { call.current() }) }
    for (const query of queries) query.addEventListener('change', later)
    return () => { for (const query of queries) query.removeEventListener('change', later) }
  }, [])
}
