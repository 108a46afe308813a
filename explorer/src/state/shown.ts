/** What the graph screen shows, for other parts of the page; and twins that they want to be seen there. */
import { create } from 'zustand'
import { isObject } from '@/api/json'
import type { CloudEvent } from '@/api/types'
import { onLeave } from './leaving'

export interface ShownGraph {
  readonly twins: number
  readonly relationships: number
  /** Relationships that the boxes say. */
  readonly byNesting: number
  readonly has: (id: string) => boolean
}

export interface Was { readonly at: string; readonly keys: ReadonlySet<string> }

interface ShownState {
  /** Undefined while no graph is on the screen. */
  readonly graph: ShownGraph | undefined
  /** The graph is so near that values stand under its marks. */
  readonly isNear: boolean
  /** Twins that another screen found, such as the result of a query: they are ringed. */
  readonly highlighted: readonly string[]
  /** Differences between two instants, by twin and by key of a line: they are marked. */
  readonly differences: ReadonlyMap<string, 'added' | 'removed' | 'changed'>
  /** What was there at another instant and is no more: whoever looks at it sees it as it was. */
  readonly was: Was | undefined
  /** Twins to be added to the picture as soon as it is there. */
  readonly wanted: readonly string[]
}

const NOTHING: ShownState = { graph: undefined, isNear: false, highlighted: [], differences: new Map(), was: undefined, wanted: [] }

export const useShown = create<ShownState>(() => NOTHING)
onLeave(() => { useShown.setState(NOTHING) })

/** Ring twins on the graph instead of replacing what it shows. */
export function highlight(ids: readonly string[]): void { useShown.setState({ highlighted: ids }) }

/** Add twins to what the graph shows. */
export function addToGraph(ids: readonly string[]): void { useShown.setState((before) => ({ wanted: [...before.wanted, ...ids] })) }

/** Say what is there no more, and when it was. Marks of another instant are of something else, and go. */
export function showRemoved(was: Was): void { useShown.setState((before) => (before.was?.at === was.at ? { was } : { was, differences: new Map() })) }

/** What is made again is there again, and is no more shown as it was. */
export function noteMade(events: readonly CloudEvent[]): void {
  const { was } = useShown.getState()
  if (!was) return
  const back = new Set(events.flatMap(keyOfMade).filter((key) => was.keys.has(key)))
  if (back.size > 0) useShown.setState({ was: { at: was.at, keys: new Set([...was.keys].filter((key) => !back.has(key))) } })
}

function keyOfMade({ type, data }: CloudEvent): readonly string[] {
  if (!isObject(data)) return []
  if (type.endsWith('.Twin.Create')) return [String(data['$dtId'])]
  return type.endsWith('.Relationship.Create') ? [`${String(data['$sourceId'])}/${String(data['$relationshipId'])}`] : []
}

/** Nobody looks at what is there no more, unless its marks are on the graph. */
export function leaveRemoved(): void { useShown.setState((before) => (before.differences.size > 0 ? {} : { was: undefined })) }

/** Mark what differs from an instant. */
export function showDifferences(differences: ShownState['differences'], at: string): void {
  useShown.setState({ differences, was: { at, keys: new Set([...differences].flatMap(([key, what]) => (what === 'removed' ? [key] : []))) } })
}

export function hideDifferences(): void { useShown.setState({ differences: new Map(), was: undefined }) }
