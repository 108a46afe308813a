import { useQuery } from '@tanstack/react-query'
import { type KeyboardEvent, type ReactNode, useDeferredValue, useEffect, useMemo, useRef, useState } from 'react'
import { asApiError } from '@/api/errors'
import type { Models } from '@/dtdl/models'
import type { GraphView } from '@/graph/types'
import { rowsOf } from '@/parts/structure/load'
import { foundIn, LABELS, nodeColumns, nodeOf, propertyOf, quoted, type StructureNode } from '@/parts/structure/structure'
import { useGraph } from '@/state/graph'
import { lookOf } from '@/state/looks'
import { addToGraph, highlight } from '@/state/shown'
import { formatSelection } from '@/state/url'
import { t } from '@/text/text'
import { IconButton } from '@/ui/button'
import { CloseIcon, SearchIcon } from '@/ui/icons'
import { MarkIcon } from '@/ui/mark'
import { toast } from '@/ui/toasts'
import { screen, useScreen } from './store'
import type { View } from './view'

const MOST = 100
const MOST_RINGED = 10_000
const LEAST_LETTERS = 2

/** The shown twins whose name or id holds a text; names that begin with it first. */
export function findIn(nodes: Iterable<StructureNode>, sought: string): readonly StructureNode[] {
  const text = sought.trim().toLowerCase()
  if (text === '') return []
  const rank = (node: StructureNode): number => {
    const label = node.label.toLowerCase()
    return label.startsWith(text) ? 0 : label.includes(` ${text}`) ? 1 : label.includes(text) ? 2 : node.id.toLowerCase().includes(text) ? 3 : -1
  }
  return [...nodes].map((node) => [rank(node), node] as const).filter(([place]) => place >= 0)
    .sort(([one, a], [other, b]) => one - other || a.label.localeCompare(b.label, undefined, { numeric: true })).map(([, node]) => node)
}

/** Twins of the whole graph whose name or id holds a text. */
function useElsewhere(sought: string, label: string | undefined): readonly StructureNode[] {
  const { name, at } = useGraph()
  const isLong = sought.trim().length >= LEAST_LETTERS && !/^\s*select\s/i.test(sought)
  const { data } = useQuery({
    queryKey: [name, 'find', at, sought, label], enabled: isLong, staleTime: 10_000,
    queryFn: async ({ signal }) => {
      const asked = { graph: name, at, signal, label }
      const text = quoted(sought.trim())
      const paths = ['$dtId', ...LABELS.map((path) => path), ...(label !== undefined && label !== 'id' ? [label] : [])]
      const any = paths.map((path) => `CONTAINS(LOWER(${path === '$dtId' ? 'T.$dtId' : propertyOf('T', path)}), LOWER(${text}))`).join(' OR ')
      const rows = await rowsOf(asked, `SELECT TOP(${MOST}) ${nodeColumns('T', label)} FROM DIGITALTWINS T WHERE ${any}`, MOST)
      return rows.flatMap((row) => nodeOf(row, label) ?? [])
    },
  })
  const structure = useScreen((state) => state.structure)
  return useMemo(() => (data ?? []).filter((node) => !structure.nodes.has(node.id)), [data, structure])
}

interface Props { readonly view: View; readonly models: Models; readonly canvas: GraphView | undefined; readonly hidden: ReadonlySet<string> }

/** Find in what is shown, then in the whole graph; hits are ringed, Enter walks them. */
export function Find({ view, models, canvas, hidden }: Props): ReactNode {
  const { finding } = useScreen()
  return finding ? <FindCard view={view} models={models} canvas={canvas} hidden={hidden} /> : null
}

function FindCard({ view, models, canvas, hidden }: Props): ReactNode {
  const { structure } = useScreen()
  const graph = useGraph()
  const [sought, setSought] = useState('')
  const later = useDeferredValue(sought)
  const [at, setAt] = useState(-1)
  const input = useRef<HTMLInputElement>(null)
  const here = useMemo(() => findIn(structure.nodes.values(), later).filter((node) => !hidden.has(node.id)), [structure, later, hidden])
  const elsewhere = useElsewhere(later, view.label)
  useEffect(() => {
    useScreen.setState({ hits: here.map((node) => node.id) })
    setAt(-1)
  }, [here])
  useEffect(() => () => { useScreen.setState({ hits: [] }) }, [])
  const close = (): void => { useScreen.setState({ finding: false }) }
  const go = (index: number): void => {
    const node = here[index]
    if (!node) return
    setAt(index)
    view.going.adjust({ sel: formatSelection([node.id]) })
    canvas?.reveal(node.id)
  }
  const bring = (node: StructureNode): void => {
    addToGraph([node.id])
    view.going.step({ sel: formatSelection([node.id]) })
  }
  const isQuery = /^\s*select\s/i.test(sought)
  const ring = (): void => {
    void rowsOf({ graph: graph.name, at: graph.at, label: undefined }, sought, MOST_RINGED).then((rows) => {
      const { ids } = foundIn(rows)
      highlight(ids)
      toast({ text: t('graph.ringed', { n: ids.length }) })
      close()
    }, (error: unknown) => { toast({ kind: 'error', text: asApiError(error).message }) })
  }
  const onKey = (event: KeyboardEvent): void => {
    if (isQuery && event.key === 'Enter') { event.preventDefault(); ring(); return }
    const step = event.key === 'ArrowUp' || (event.key === 'Enter' && event.shiftKey) ? -1 : event.key === 'ArrowDown' || event.key === 'Enter' ? 1 : 0
    if (event.key === 'Escape') { event.preventDefault(); event.stopPropagation(); close() } else if (step !== 0 && here.length > 0) { event.preventDefault(); go((at + step + here.length) % here.length) } else if (event.key === 'Enter' && elsewhere[0]) bring(elsewhere[0])
  }
  return (
    <div className="floating graph-find" role="search" data-testid="graph.find" onKeyDown={onKey}>
      <div className="row find-head">
        <SearchIcon size={14} aria-hidden />
        <input ref={input} autoFocus className="find-input grow" value={sought} placeholder={t('graph.find')} aria-label={t('graph.find')} onChange={(event) => { setSought(event.target.value) }} data-testid="graph.find.text" />
        <span className="hint num" role="status">{sought.trim() === '' ? '' : at >= 0 ? `${at + 1} / ${here.length}` : t('graph.hits', { n: here.length })}</span>
        <IconButton icon={CloseIcon} label={t('ui.close')} keys="Esc" onClick={close} />
      </div>
      {isQuery && <div className="find-rows"><button type="button" className="find-row" onClick={ring} data-testid="graph.find.ring"><SearchIcon size={14} aria-hidden /><span className="grow cut">{t('graph.ring')}</span><kbd>Enter</kbd></button></div>}
      {sought.trim() !== '' && !isQuery && (
        <ul className="find-rows scroll">
          {here.slice(0, MOST).map((node, index) => <FindRow key={node.id} node={node} models={models} on={index === at} onChoose={() => { go(index) }} />)}
          {elsewhere.length > 0 && <li className="menu-group">{t('graph.elsewhere')}</li>}
          {elsewhere.map((node) => <FindRow key={node.id} node={node} models={models} on={false} onChoose={() => { bring(node) }} />)}
          {here.length === 0 && elsewhere.length === 0 && <li className="find-none secondary">{t('graph.found-nothing')}</li>}
        </ul>
      )}
    </div>
  )
}

function FindRow({ node, models, on, onChoose }: { node: StructureNode; models: Models; on: boolean; onChoose: () => void }): ReactNode {
  const slots = screen().state.slots
  return (
    <li>
      <button type="button" className={on ? 'find-row on' : 'find-row'} onClick={onChoose} data-testid={`graph.find.${node.id}`}>
        <MarkIcon look={lookOf(models, node.model, slots)} />
        <span className="cut">{node.label}</span>
        <span className="grow" />
        <span className="mono hint cut">{node.id}</span>
      </button>
    </li>
  )
}
