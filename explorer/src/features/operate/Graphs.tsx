import { useQueryClient } from '@tanstack/react-query'
import { type FormEvent, type ReactNode, useState } from 'react'
import { path } from '@/api/http'
import { useGraph, useMay, useStatus } from '@/state/graph'
import { useGoing } from '@/state/url'
import { t } from '@/text/text'
import { Button, IconButton } from '@/ui/button'
import { Confirm } from '@/ui/dialog'
import { AddIcon, DeleteIcon, OpenIcon, OutIcon } from '@/ui/icons'
import { type Column, Table } from '@/ui/table'
import { useAct, useList } from './data'
import { MoveGraph } from './MoveGraph'
import { Part } from './Part'

interface GraphRow { readonly name: string; readonly place: string; readonly state: string; readonly progress?: string; readonly error?: string }

const FOLLOWS_MS = 2000

/** The graphs of this server: make one, open it, move it, delete it. */
export function Graphs(): ReactNode {
  const may = useMay()
  const act = useAct()
  const going = useGoing()
  const client = useQueryClient()
  const { name: current } = useGraph()
  const status = useStatus()
  const graphs = useList<GraphRow>('/kastor/v1/graphs', { every: FOLLOWS_MS })
  const [moving, setMoving] = useState<GraphRow>()
  const [deleting, setDeleting] = useState<string>()
  const [text, setText] = useState('')
  const refresh = (): void => { void client.invalidateQueries({ queryKey: ['graphs'] }) }
  const make = (event: FormEvent): void => {
    event.preventDefault()
    void act({ method: 'PUT', path: path('/kastor/v1/graphs/{name}', { name: text.trim() }) }, t('operate.made', { name: text.trim() })).then((done) => { if (done) { setText(''); refresh() } })
  }
  // Where `default` is, the settings say; a file is copied by hand, whichever it is.
  const mayMove = (graph: GraphRow): boolean => may('kastor/graphs/write') && graph.state !== 'moving' && status.data !== undefined && (status.data.engine === 'sqlite' || graph.name !== 'default')
  const columns: readonly Column<GraphRow>[] = [
    { key: 'name', title: t('operate.name'), width: 220, cell: (graph) => <code>{graph.name}</code> },
    { key: 'state', title: t('operate.state'), width: 220, cell: (graph) => <span className="row"><span className={graph.state === 'moving' ? 'tag warn' : 'tag'}>{graph.state}</span>{graph.error === undefined ? <span className="hint cut">{graph.progress ?? ''}</span> : <span className="operate-error cut" title={graph.error}>{graph.error}</span>}</span> },
    { key: 'acts', title: '', width: 230, cell: (graph) => (
      <span className="row">{graph.name !== current && <Button look="quiet" icon={OpenIcon} onClick={() => { going.go({ graph: graph.name, screen: 'graph', rest: [], parameters: {} }) }}>{t('operate.open')}</Button>}
        {mayMove(graph) && <Button look="quiet" icon={OutIcon} onClick={() => { setMoving(graph) }} data-testid={`operate.graph.${graph.name}.move`}>{t('operate.move')}</Button>}
        {graph.name !== 'default' && may('kastor/graphs/delete') && <IconButton icon={DeleteIcon} label={t('operate.delete-graph', { name: graph.name })} onClick={() => { setDeleting(graph.name) }} />}</span>) },
    { key: 'place', title: t('operate.place'), width: 360, cell: (graph) => <code title={graph.place}>{graph.place}</code> },
  ]
  return (
    <>
      <Part title={t('operate.graphs')} query={graphs} empty={t('operate.no-graphs')}>
        {(rows) => <div className="operate-split"><Table label={t('operate.graphs')} columns={columns} rows={rows} keyOf={(graph) => graph.name} chosen={current} testId="operate.graphs" /></div>}
      </Part>
      {may('kastor/graphs/write') && <form className="row operate-build" onSubmit={make}><input className="input mono" value={text} placeholder={t('operate.graph-name')} aria-label={t('operate.graph-name')} onChange={(event) => { setText(event.target.value) }} data-testid="operate.graph-name" /><Button look="main" icon={AddIcon} type="submit" disabled={text.trim() === ''} data-testid="operate.graph-make">{t('operate.make-graph')}</Button></form>}
      {moving && status.data && <MoveGraph name={moving.name} engine={status.data.engine} place={moving.place} onClose={() => { setMoving(undefined) }} />}
      {deleting !== undefined && <Confirm open title={t('operate.delete-graph', { name: deleting })} text={t('operate.delete-graph-text')} act={t('operate.delete')} typed={deleting} onClose={() => { setDeleting(undefined) }}
        onConfirm={() => { setDeleting(undefined); void act({ method: 'DELETE', path: path('/kastor/v1/graphs/{name}', { name: deleting }) }, t('operate.deleted', { id: deleting })).then(refresh) }} />}
    </>
  )
}
