/** Saved views: the address and the large state under a name, in the server where it keeps them, else in the browser. */
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { type ReactNode, useEffect, useState } from 'react'
import { ApiError, asApiError } from '@/api/errors'
import { path, send } from '@/api/http'
import { isObject, type Json, parseJson } from '@/api/json'
import { keep as keepText, kept } from '@/api/kept'
import type { ViewState } from '@/state/fragment'
import { useGraph, useMay } from '@/state/graph'
import { PARAMETERS, type Parameter, type Parameters } from '@/state/url'
import { t } from '@/text/text'
import { Button, IconButton } from '@/ui/button'
import { Dialog } from '@/ui/dialog'
import { DeleteIcon, SavedIcon } from '@/ui/icons'
import { toast } from '@/ui/toasts'
import { screen, useScreen } from './store'
import { apply } from './useFragment'
import type { View } from './view'

interface Entry { readonly name: string; readonly where: 'server' | 'browser' }
interface Saved { readonly parameters: Parameters; readonly state: ViewState }

const KEPT = 'kastor.views.'
const LONGEST_NAME = 128
/** What a saved view says of the address; the instant and the view's own name are not part of it. */
const OWN: readonly Parameter[] = PARAMETERS.filter((each) => each !== 'v' && each !== 'at')

const isAbsent = (error: unknown): boolean => error instanceof ApiError && error.status === 404

/** Views that this browser keeps for a graph. */
function inBrowser(graph: string): Readonly<Record<string, Json>> {
  const text = kept('browser', KEPT + graph)
  const value = text === undefined ? {} : parseJson(text)
  return isObject(value) ? value : {}
}

async function list(graph: string): Promise<readonly Entry[]> {
  const mine = Object.keys(inBrowser(graph)).map((name): Entry => ({ name, where: 'browser' }))
  try {
    const { data } = await send<{ readonly value: readonly { readonly name: string }[] }>(graph, { path: '/kastor/v1/explorer/views' })
    return [...data.value.map(({ name }): Entry => ({ name, where: 'server' })), ...mine]
  } catch (error) {
    if (isAbsent(error) || (error instanceof ApiError && error.status === 403)) return mine
    throw error
  }
}

async function read(graph: string, name: string): Promise<Saved | undefined> {
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

/** Keep a view; returns where. */
async function keep(graph: string, name: string, view: Saved): Promise<Entry['where']> {
  const body = { version: 1, ...view }
  try {
    await send(graph, { method: 'PUT', path: path('/kastor/v1/explorer/views/{name}', { name }), body })
    return 'server'
  } catch (error) {
    if (!isAbsent(error) && !(error instanceof ApiError && error.status === 403)) throw error
    if (!keepText('browser', KEPT + graph, JSON.stringify({ ...inBrowser(graph), [name]: body }))) throw new ApiError(0, 'BrowserFull', 'This browser has no room left for the view. Delete others that it keeps.')
    return 'browser'
  }
}

async function forget(graph: string, { name, where }: Entry): Promise<void> {
  if (where === 'server') { await send(graph, { method: 'DELETE', path: path('/kastor/v1/explorer/views/{name}', { name }) }); return }
  const { [name]: _gone, ...rest } = inBrowser(graph)
  keepText('browser', KEPT + graph, JSON.stringify(rest))
}

/** Take up the view that the address names; what else stands in the address has the last word. */
export function useSaved(view: View): void {
  const { name: graph } = useGraph()
  const { saved, going } = view
  useEffect(() => {
    if (saved === undefined) return undefined
    let gone = false
    void read(graph, saved).then((found) => {
      if (gone) return
      if (!found) { toast({ kind: 'error', text: t('graph.view-gone', { name: saved }) }); return }
      const here = going.place.parameters
      going.adjust(Object.fromEntries(OWN.flatMap((key) => (here[key] === undefined && found.parameters[key] !== undefined ? [[key, found.parameters[key]]] : []))))
      if (window.location.hash === '') apply(found.state)
    }, (error: unknown) => { if (!gone) toast({ kind: 'error', text: asApiError(error).message }) })
    return () => { gone = true }
    // Only a change of the name takes up a view anew.
  }, [saved, graph])
}

/** Save this view, open and delete others. */
export function ViewsDialog({ view }: { view: View }): ReactNode {
  const saving = useScreen((state) => state.saving)
  return saving ? <Views view={view} onClose={() => { useScreen.setState({ saving: false }) }} /> : null
}

function Views({ view, onClose }: { view: View; onClose: () => void }): ReactNode {
  const { name: graph } = useGraph()
  const may = useMay()
  const client = useQueryClient()
  const views = useQuery({ queryKey: [graph, 'views'], queryFn: () => list(graph) })
  const [name, setName] = useState(view.saved ?? '')
  const isGood = name.trim() !== '' && name.length <= LONGEST_NAME && !/[/\p{Cc}]/u.test(name)
  const parameters = Object.fromEntries(OWN.flatMap((key) => (view.going.place.parameters[key] === undefined ? [] : [[key, view.going.place.parameters[key]]]))) as Parameters
  const told = (what: Promise<unknown>): void => {
    void what.then(() => client.invalidateQueries({ queryKey: [graph, 'views'] }), (error: unknown) => { toast({ kind: 'error', text: asApiError(error).message }) })
  }
  const save = (): void => {
    if (!isGood) return
    told(keep(graph, name.trim(), { parameters, state: screen().state }).then((where) => {
      toast({ text: where === 'server' ? t('graph.view-saved', { name: name.trim() }) : t('graph.view-kept', { name: name.trim() }) })
      view.going.adjust({ v: name.trim() })
      onClose()
    }))
  }
  const open = (entry: Entry): void => {
    onClose()
    useScreen.setState({ state: {} })
    view.going.go({ parameters: { v: entry.name } })
  }
  return (
    <Dialog open title={t('graph.views-title')} onClose={onClose} testId="graph.views" foot={<Button look="main" icon={SavedIcon} disabled={!isGood} onClick={save} data-testid="graph.views.save">{t('graph.view-save')}</Button>}>
      <form onSubmit={(event) => { event.preventDefault(); save() }}>
        <input className="input views-name" autoFocus value={name} placeholder={t('graph.view-name')} aria-label={t('graph.view-name')} onChange={(event) => { setName(event.target.value) }} data-testid="graph.views.name" />
      </form>
      <ul className="views-list">
        {(views.data ?? []).map((entry) => (
          <li key={`${entry.where} ${entry.name}`} className="row">
            <button type="button" className="find-row grow" onClick={() => { open(entry) }} data-testid={`graph.views.${entry.name}`}>
              <SavedIcon size={14} aria-hidden /><span className="cut grow">{entry.name}</span>
              {entry.where === 'browser' && <span className="hint">{t('graph.view-here')}</span>}
            </button>
            {(entry.where === 'browser' || may('kastor/explorer/delete')) && <IconButton icon={DeleteIcon} label={t('graph.view-delete', { name: entry.name })} onClick={() => { told(forget(graph, entry)) }} />}
          </li>
        ))}
      </ul>
      {views.data?.length === 0 && <p className="secondary">{t('graph.view-none')}</p>}
    </Dialog>
  )
}
