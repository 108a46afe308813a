import { useQueryClient } from '@tanstack/react-query'
import { type FormEvent, type ReactNode, useState } from 'react'
import { path } from '@/api/http'
import { useGraph, useMay } from '@/state/graph'
import { useGoing } from '@/state/url'
import { t } from '@/text/text'
import { Button, IconButton } from '@/ui/button'
import { Confirm } from '@/ui/dialog'
import { AddIcon, DeleteIcon, OpenIcon } from '@/ui/icons'
import { type Column, Table } from '@/ui/table'
import { useAct, useList } from './data'
import { Part } from './Part'

interface GraphRow { readonly name: string; readonly place: unknown; readonly state: string }

/** The graphs of this server: make one, open it, delete it. */
export function Graphs(): ReactNode {
  const may = useMay()
  const act = useAct()
  const going = useGoing()
  const client = useQueryClient()
  const { name: current } = useGraph()
  const graphs = useList<GraphRow>('/kastor/v1/graphs')
  const [deleting, setDeleting] = useState<string>()
  const [text, setText] = useState('')
  const refresh = (): void => { void client.invalidateQueries({ queryKey: ['graphs'] }) }
  const make = (event: FormEvent): void => {
    event.preventDefault()
    void act({ method: 'PUT', path: path('/kastor/v1/graphs/{name}', { name: text.trim() }) }, t('operate.made', { name: text.trim() })).then((done) => { if (done) { setText(''); refresh() } })
  }
  const columns: readonly Column<GraphRow>[] = [
    { key: 'name', title: t('operate.name'), width: 220, cell: (graph) => <code>{graph.name}</code> },
    { key: 'state', title: t('operate.state'), width: 110, cell: (graph) => <span className="tag">{graph.state}</span> },
    { key: 'acts', title: '', width: 150, cell: (graph) => (
      <span className="row">{graph.name !== current && <Button look="quiet" icon={OpenIcon} onClick={() => { going.go({ graph: graph.name, screen: 'graph', rest: [], parameters: {} }) }}>{t('operate.open')}</Button>}
        {graph.name !== 'default' && may('kastor/graphs/delete') && <IconButton icon={DeleteIcon} label={t('operate.delete-graph', { name: graph.name })} onClick={() => { setDeleting(graph.name) }} />}</span>) },
    { key: 'place', title: t('operate.place'), width: 360, cell: (graph) => <code>{typeof graph.place === 'string' ? graph.place : JSON.stringify(graph.place)}</code> },
  ]
  return (
    <>
      <Part title={t('operate.graphs')} query={graphs} empty={t('operate.no-graphs')}>
        {(rows) => <div className="operate-split"><Table label={t('operate.graphs')} columns={columns} rows={rows} keyOf={(graph) => graph.name} chosen={current} testId="operate.graphs" /></div>}
      </Part>
      {may('kastor/graphs/write') && <form className="row operate-build" onSubmit={make}><input className="input mono" value={text} placeholder={t('operate.graph-name')} aria-label={t('operate.graph-name')} onChange={(event) => { setText(event.target.value) }} data-testid="operate.graph-name" /><Button look="main" icon={AddIcon} type="submit" disabled={text.trim() === ''} data-testid="operate.graph-make">{t('operate.make-graph')}</Button></form>}
      {deleting !== undefined && <Confirm open title={t('operate.delete-graph', { name: deleting })} text={t('operate.delete-graph-text')} act={t('operate.delete')} typed={deleting} onClose={() => { setDeleting(undefined) }}
        onConfirm={() => { setDeleting(undefined); void act({ method: 'DELETE', path: path('/kastor/v1/graphs/{name}', { name: deleting }) }, t('operate.deleted', { id: deleting })).then(refresh) }} />}
    </>
  )
}
