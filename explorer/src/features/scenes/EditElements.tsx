import { type ReactNode, useMemo, useState } from 'react'
import { Select } from '@/ui/select'
import { TwinPicker } from '@/parts/pick/TwinPicker'
import { TwinName } from '@/parts/TwinName'
import { t } from '@/text/text'
import { Button } from '@/ui/button'
import { ByNameIcon } from '@/ui/icons'
import { Popover } from '@/ui/menu'
import { Empty } from '@/ui/states'
import { Tree, type TreeRow } from '@/ui/tree'
import { ByName } from './ByName'
import { DRAGGED_TWIN } from './drag'
import type { EditorProps } from './Editor'
import { type EditRow, editRows, narrowed, type State } from './elements'
import { bind } from './scene'

const NONE: ReadonlySet<string> = new Set()

/** Every element with an id, and whether it stands for a twin. */
export function EditElements(props: EditorProps): ReactNode {
  const { scene, drawing, lively, draft, picked, onChoose, onHover, is3d } = props
  const [sought, setSought] = useState('')
  const [state, setState] = useState<State | 'all'>('all')
  const [byName, setByName] = useState(false)
  const all = useMemo(() => editRows(drawing?.elements.values() ?? [], scene.bindings, lively.missing ?? NONE), [drawing, scene.bindings, lively.missing])
  const rows = useMemo(() => narrowed(all, sought, state), [all, sought, state])
  const chosen = all.find((row) => row.id === picked)
  const bindTo = (element: string, twin: string | undefined): void => { draft.change((before) => bind(before, element, twin)) }
  const counts = useMemo(() => { const found = { bound: 0, unbound: 0, missing: 0 }; for (const row of all) found[row.state === 'absent' ? 'missing' : row.state] += 1; return found }, [all])
  const tree = rows.map((row): TreeRow => ({
    id: row.id, depth: sought === '' && state === 'all' ? Math.min(row.depth, 6) : 0, open: undefined,
    content: <Row row={row} onHover={onHover} onBind={(twin) => { bindTo(row.id, twin) }} />,
  }))
  if (is3d) return <Empty text={t('scenes.later-3d')} />
  return (
    <div className="scenes-edit">
      <div className="scenes-side-head">
        <input className="input" type="search" value={sought} placeholder={t('scenes.find-element')} aria-label={t('scenes.find-element')} onChange={(event) => { setSought(event.target.value) }} data-testid="scenes.edit.find" />
        <span className="row">
          <Select label={t('scenes.state')} value={state} onChange={setState} testId="scenes.edit.state" choices={[
            { value: 'all', text: t('scenes.state-all'), hint: String(all.length) }, { value: 'unbound', text: t('scenes.state-unbound'), hint: String(counts.unbound) },
            { value: 'bound', text: t('scenes.state-bound'), hint: String(counts.bound) }, { value: 'missing', text: t('scenes.state-missing'), hint: String(counts.missing) },
          ]} />
          <Button icon={ByNameIcon} onClick={() => { setByName(true) }} data-testid="scenes.by-name">{t('scenes.by-name')}</Button>
        </span>
      </div>
      {rows.length === 0 ? <Empty text={all.length === 0 ? t('scenes.no-ids') : t('scenes.none-found')} />
        : <div className="scenes-tree"><Tree label={t('scenes.elements')} rows={tree} chosen={picked} onChoose={onChoose} onToggle={() => undefined} testId="scenes.edit.element" /></div>}
      {chosen && <BindCard key={chosen.id} row={chosen} onBind={(twin) => { bindTo(chosen.id, twin) }} />}
      {byName && <ByName {...props} onClose={() => { setByName(false) }} />}
    </div>
  )
}

function stateText(state: State): string {
  switch (state) {
    case 'bound': return t('scenes.state-bound')
    case 'unbound': return t('scenes.state-unbound')
    case 'missing': return t('scenes.state-missing')
    case 'absent': return t('scenes.state-absent')
  }
}

function Row({ row, onHover, onBind }: { row: EditRow; onHover: (element: string | undefined) => void; onBind: (twin: string) => void }): ReactNode {
  const [over, setOver] = useState(false)
  const text = row.name === '' ? row.id : `${row.name} (${row.id})`
  return (
    <span className={over ? 'row grow scenes-row over' : 'row grow scenes-row'} onPointerEnter={() => { onHover(row.id) }} onPointerLeave={() => { onHover(undefined) }}
      onDragOver={(event) => { if (event.dataTransfer.types.includes(DRAGGED_TWIN)) { event.preventDefault(); setOver(true); onHover(row.id) } }} onDragLeave={() => { setOver(false) }}
      onDrop={(event) => { event.preventDefault(); setOver(false); const twin = event.dataTransfer.getData(DRAGGED_TWIN); if (twin !== '') onBind(twin) }}>
      <span className={`scenes-state ${row.state}`} title={stateText(row.state)} />
      <code className="cut scenes-element-name" title={text}>{row.id}</code>
      <span className="grow cut hint scenes-element-twin">{row.twin === undefined ? (row.name === '' ? row.tag : row.name) : row.state === 'bound' ? <TwinName id={row.twin} /> : row.twin}</span>
      {(row.state === 'missing' || row.state === 'absent') && <span className="tag warn">{stateText(row.state)}</span>}
    </span>
  )
}

/** The chosen element, and the twin that it stands for. */
function BindCard({ row, onBind }: { row: EditRow; onBind: (twin: string | undefined) => void }): ReactNode {
  const [open, setOpen] = useState(false)
  return (
    <section className="scenes-bind" data-testid="scenes.bind">
      <p className="row"><code className="grow cut">{row.id}</code><span className={row.state === 'bound' ? 'tag ok' : row.state === 'unbound' ? 'tag' : 'tag warn'} data-testid="scenes.bind.state">{stateText(row.state)}</span></p>
      {row.twin !== undefined && <p className="row secondary"><TwinName id={row.twin} /></p>}
      <p className="row">
        <Popover label={t('scenes.choose-twin')} open={open} onOpenChange={setOpen} trigger={<Button look={row.twin === undefined ? 'main' : 'plain'} data-testid="scenes.bind.choose">{row.twin === undefined ? t('scenes.bind') : t('scenes.bind-other')}</Button>}>
          <TwinPicker label={t('scenes.choose-twin')} testId="scenes.bind.picker" onChoose={(id) => { setOpen(false); onBind(id) }} />
        </Popover>
        {row.twin !== undefined && <Button look="quiet" onClick={() => { onBind(undefined) }} data-testid="scenes.bind.none">{t('scenes.unbind')}</Button>}
      </p>
    </section>
  )
}
