/** The address is the state: what is looked at stands in it (design 2.2). */
import { useMemo } from 'react'
import { useLocation, useSearch } from 'wouter'
import { keep, kept } from '@/api/kept'

export const SCREENS = ['graph', 'query', 'models', 'twins', 'live', 'history', 'scenes', 'operate', 'io'] as const
export type Screen = (typeof SCREENS)[number]

/** Every parameter that a screen may have, by its name in the address. */
export const PARAMETERS = ['q', 'lay', 'sel', 'lens', 'lab', 'show', 'hide', 'pin', 'at', 'v', 'as', 'live', 'tab', 'with', 'prop', 'f', 'kinds', 'a', 'b', 'twin', 'edit'] as const
export type Parameter = (typeof PARAMETERS)[number]
export type Parameters = Readonly<Partial<Record<Parameter, string>>>

export interface Place {
  readonly graph: string
  readonly screen: Screen | 'settings'
  /** What stands behind the screen in the path, decoded: a DTMI, a twin's id, a part. */
  readonly rest: readonly string[]
  readonly parameters: Parameters
}

/** An address names no more than these. */
export const MOST_SELECTED = 20
const LAST_GRAPH = 'kastor.graph'

function isScreen(text: string | undefined): text is Screen { return SCREENS.some((each) => each === text) }

function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

/** Read an address below the explorer's base. */
export function parsePlace(path: string, search: string): Place {
  const parts = path.split('/').filter((part) => part !== '').map(decode)
  const query = new URLSearchParams(search)
  const parameters = Object.fromEntries(PARAMETERS.flatMap((name) => {
    const value = query.get(name)
    return value === null ? [] : [[name, value]]
  })) as Parameters
  if (parts[0] === 'settings') return { graph: lastGraph(), screen: 'settings', rest: parts.slice(1), parameters }
  const graph = parts[0] === 'g' && parts[1] !== undefined ? parts[1] : lastGraph()
  return { graph, screen: isScreen(parts[2]) ? parts[2] : 'graph', rest: parts.slice(3), parameters }
}

/** Write an address below the explorer's base. `?test` and `?embed` stay while one goes from place to place. */
export function formatPlace(place: Place): string { return withFlags(addressOf(place), [...(isEmbedded ? ['embed'] : []), ...(isTest ? ['test'] : [])]) }

function withFlags(address: string, flags: readonly string[]): string { return flags.reduce((all, flag) => `${all}${all.includes('?') ? '&' : '?'}${flag}`, address) }

/** Return the link of a place that is handed to somebody else; it never says that tests look on. `embedded`: without what is around the screen. */
export function linkTo(place: Place, fragment = '', embedded = false): string {
  return new URL(`.${withFlags(addressOf(place), embedded ? ['embed'] : [])}${fragment === '' ? '' : `#${fragment}`}`, document.baseURI).href
}

function addressOf(place: Place): string {
  const rest = place.rest.map((part) => `/${encodeURIComponent(part)}`).join('')
  const path = place.screen === 'settings' ? `/settings${rest}` : `/g/${encodeURIComponent(place.graph)}/${place.screen}${rest}`
  const query = PARAMETERS.flatMap((name) => {
    const value = place.parameters[name]
    return value === undefined || value === '' ? [] : [`${name}=${encodeReadable(value)}`]
  })
  return query.length > 0 ? `${path}?${query.join('&')}` : path
}

/** What a person reads in an address stays readable: commas, slashes and colons are allowed in a query. */
function encodeReadable(text: string): string {
  return encodeURIComponent(text).replaceAll('%2C', ',').replaceAll('%2F', '/').replaceAll('%3A', ':').replaceAll('%24', '$')
}

/** Whether the page shows itself to tests: time stands still, nothing moves, `window.__kastor` is there. */
export const isTest = new URLSearchParams(window.location.search).has('test')

/** Whether the screen stands alone, as on a wall or in another page: without what is around it, and only to be looked at (`?embed`). */
export const isEmbedded = new URLSearchParams(window.location.search).has('embed')

export function lastGraph(): string { return kept('browser', LAST_GRAPH) ?? 'default' }
export function rememberGraph(graph: string): void { keep('browser', LAST_GRAPH, graph) }

export interface Going {
  readonly place: Place
  /** The subject changes: a step that Back undoes. Parameters that are not named are dropped. */
  go: (to: Partial<Place>) => void
  /** Something is adjusted: the address follows, Back does not stop there. `undefined` takes a parameter away. */
  adjust: (parameters: Readonly<Partial<Record<Parameter, string | undefined>>>) => void
  /** As `adjust`, but a step of its own. */
  step: (parameters: Readonly<Partial<Record<Parameter, string | undefined>>>) => void
  /** Address of a place, for links. */
  href: (to: Partial<Place>) => string
}

function merged(place: Place, parameters: Readonly<Partial<Record<Parameter, string | undefined>>>): Place {
  const all = Object.entries({ ...place.parameters, ...parameters }).filter(([, value]) => value !== undefined && value !== '')
  return { ...place, parameters: Object.fromEntries(all) as Parameters }
}

export function useGoing(): Going {
  const [path, navigate] = useLocation()
  const search = useSearch()
  return useMemo(() => {
    const place = parsePlace(path, search)
    const full = (to: Partial<Place>): Place => ({ graph: place.graph, screen: place.screen, rest: [], parameters: carried(place, to.screen), ...to })
    return {
      place,
      go: (to) => { navigate(formatPlace(full(to))) },
      adjust: (parameters) => { navigate(formatPlace(merged(currentPlace(), parameters)) + window.location.hash, { replace: true }) },
      step: (parameters) => { navigate(formatPlace(merged(currentPlace(), parameters))) },
      href: (to) => formatPlace(full(to)),
    }
  }, [path, search, navigate])
}

/** The instant goes along from screen to screen; to exports, what is selected or opened as well. */
export function carried(place: Place, to?: Place['screen']): Parameters {
  const { at } = place.parameters
  const ids = to !== 'io' ? [] : place.screen === 'twins' ? place.rest.slice(0, 1) : selectionOf(place.parameters)
  return { ...(at !== undefined && { at }), ...selecting(ids) }
}

/** What the address says at this moment. */
export function currentPlace(): Place {
  const base = new URL(document.baseURI).pathname.replace(/\/$/, '')
  const path = window.location.pathname
  return parsePlace(path.startsWith(base) ? path.slice(base.length) : '', window.location.search)
}

/** Twin ids, or `source/relationship`, that are selected. */
export function selectionOf(parameters: Parameters): readonly string[] {
  return (parameters.sel ?? '').split(',').filter((id) => id !== '').map(decode).slice(0, MOST_SELECTED)
}

export function formatSelection(ids: readonly string[]): string | undefined {
  const text = ids.slice(0, MOST_SELECTED).map((id) => id.replaceAll('%', '%25').replaceAll(',', '%2C')).join(',')
  return text === '' ? undefined : text
}

/** What the address says of a selection: nothing else writes `sel`, since ids may hold commas. */
export function selecting(ids: readonly string[]): Parameters {
  const sel = formatSelection(ids)
  return sel === undefined ? {} : { sel }
}
