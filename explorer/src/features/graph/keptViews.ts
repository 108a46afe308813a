/** Where views are kept: in the server where it keeps them, else in the browser. */
import { ApiError } from '@/api/errors'
import { path, send } from '@/api/http'
import { isObject, type Json, parseJson } from '@/api/json'
import { keep as keepText, kept } from '@/api/kept'
import type { ViewState } from '@/state/fragment'
import type { Parameters } from '@/state/url'

export interface Entry { readonly name: string; readonly where: 'server' | 'browser' }
export interface Saved { readonly parameters: Parameters; readonly state: ViewState }

const KEPT = 'kastor.views.'
const isAbsent = (error: unknown): boolean => error instanceof ApiError && error.status === 404

/** Views that this browser keeps for a graph. */
function inBrowser(graph: string): Readonly<Record<string, Json>> {
  const text = kept('browser', KEPT + graph)
  const value = text === undefined ? {} : parseJson(text)
  return isObject(value) ? value : {}
}

export async function list(graph: string): Promise<readonly Entry[]> {
  const mine = Object.keys(inBrowser(graph)).map((name): Entry => ({ name, where: 'browser' }))
  try {
    const { data } = await send<{ readonly value: readonly { readonly name: string }[] }>(graph, { path: '/kastor/v1/explorer/views' })
    return [...data.value.map(({ name }): Entry => ({ name, where: 'server' })), ...mine]
  } catch (error) {
    if (isAbsent(error) || (error instanceof ApiError && error.status === 403)) return mine
    throw error
  }
}

export async function read(graph: string, name: string): Promise<Saved | undefined> {
  let document: Json | undefined
  try {
    document = (await send(graph, { path: path('/kastor/v1/explorer/views/{name}', { name }) })).data
  } catch (error) {
    if (!isAbsent(error)) throw error
    document = inBrowser(graph)[name]
  }
  if (!isObject(document)) return undefined
  const { parameters, state } = document
  // Written by this page and read by it alone; what does not fit is left out by whoever reads it.
  return { parameters: (isObject(parameters) ? parameters : {}) as Parameters, state: (isObject(state) ? state : {}) as ViewState }
}

/** Keep a view; returns where. What is there under its name already is only replaced by who has said so. */
export async function keep(graph: string, name: string, view: Saved, isOver: boolean): Promise<Entry['where'] | 'taken'> {
  const body = { version: 1, ...view }
  try {
    await send(graph, { method: 'PUT', path: path('/kastor/v1/explorer/views/{name}', { name }), body, headers: { 'if-none-match': isOver ? undefined : '*' } })
    return 'server'
  } catch (error) {
    if (!isOver && error instanceof ApiError && error.status === 412) return 'taken'
    if (!isAbsent(error) && !(error instanceof ApiError && error.status === 403)) throw error
    if (!isOver && name in inBrowser(graph)) return 'taken'
    if (!keepText('browser', KEPT + graph, JSON.stringify({ ...inBrowser(graph), [name]: body }))) throw new ApiError(0, 'BrowserFull', 'This browser has no room left for the view. Delete others that it keeps.')
    return 'browser'
  }
}

export async function forget(graph: string, { name, where }: Entry): Promise<void> {
  if (where === 'server') { await send(graph, { method: 'DELETE', path: path('/kastor/v1/explorer/views/{name}', { name }) }); return }
  const { [name]: _gone, ...rest } = inBrowser(graph)
  keepText('browser', KEPT + graph, JSON.stringify(rest))
}
