import { type KeyboardEvent, type PointerEvent, type ReactNode, useRef, useState } from 'react'
import { isObject, joinPointer, type Json, type JsonObject, writeJson } from '@/api/json'
import { t } from '@/text/text'
import { Button, IconButton } from '@/ui/button'
import { AddIcon, RemoveIcon } from '@/ui/icons'
import { addVertex, canRemove, type Line, linesOf, moveVertex, removeVertex, repaired, shapeProblem, type Vertex } from '../values/geo'
import { graticule, type GeoView, viewOf } from '../values/geo-view'
import { readText } from '../values/read'
import { testIdOf, useEditing } from './editing'
import type { EditorProps } from './TextEditor'

const MOST_ROWS = 200

/** A shape as a small drawing without a map, and its coordinates as a table. */
export function GeoEditor({ schema, value, path, label }: EditorProps): ReactNode {
  const editing = useEditing()
  const kind = schema.kind
  const lines = linesOf(kind, value)
  if (value === undefined) return null
  const problem = shapeProblem(kind, value)
  const put = (next: JsonObject): void => { editing.onEdit([{ path: joinPointer(path), value: next }]) }
  if (!lines || !isObject(value)) {
    return (
      <div className="ed-nested">
        <pre className="ed-json mono">{writeJson(value, 2)}</pre>
        {!editing.readOnly && <Button onClick={() => { put(repaired(kind, isObject(value) ? value : {})) }}>{t('values.shape-anew')}</Button>}
      </div>
    )
  }
  return (
    <div className="ed-geo" data-testid={testIdOf(editing, 'geo', path)}>
      <Drawing kind={kind} value={value} lines={lines} label={label} onChange={editing.readOnly ? undefined : put} />
      {problem !== undefined && (
        <p className="row hint ed-warn">{t(`values.shape-${problem}`)}{!editing.readOnly && <Button look="quiet" onClick={() => { put(repaired(kind, value)) }}>{t('values.shape-repair')}</Button>}</p>
      )}
      <Coordinates kind={kind} value={value} lines={lines} onChange={editing.readOnly ? undefined : put} />
    </div>
  )
}

interface ShapeProps { readonly kind: string; readonly value: JsonObject; readonly lines: readonly Line[]; readonly onChange: ((value: JsonObject) => void) | undefined }

function Drawing({ kind, value, lines, label, onChange }: ShapeProps & { label: string }): ReactNode {
  // The view stands still while a vertex is dragged.
  const [held, setHeld] = useState<{ vertex: Vertex; view: GeoView }>()
  const svg = useRef<SVGSVGElement>(null)
  const view = held?.view ?? viewOf(lines)
  const move = (event: PointerEvent): void => {
    const box = svg.current?.getBoundingClientRect()
    if (!held || !box || !onChange) return
    onChange(moveVertex(kind, value, held.vertex.at, view.xAt(((event.clientX - box.left) / box.width) * view.width), view.yAt(((event.clientY - box.top) / box.height) * view.height)))
  }
  const onKey = (vertex: Vertex) => (event: KeyboardEvent): void => {
    const x = event.key === 'ArrowRight' ? 1 : event.key === 'ArrowLeft' ? -1 : 0
    const y = event.key === 'ArrowDown' ? 1 : event.key === 'ArrowUp' ? -1 : 0
    if ((x === 0 && y === 0) || !onChange) return
    event.preventDefault()
    const far = event.shiftKey ? 10 : 1
    onChange(moveVertex(kind, value, vertex.at, view.xAt(view.x(vertex.x) + x * far), view.yAt(view.y(vertex.y) + y * far)))
  }
  const grid = graticule(view)
  return (
    <svg ref={svg} className="ed-drawing" viewBox={`0 0 ${view.width} ${view.height}`} role="group" aria-label={label} onPointerMove={move} onPointerUp={() => { setHeld(undefined) }}>
      {grid.xs.map((each) => <g key={`x${each.text}`}><line x1={each.at} x2={each.at} y1={0} y2={view.height} className="ed-grid" /><text x={each.at + 3} y={view.height - 4} className="ed-grid-text">{each.text}</text></g>)}
      {grid.ys.map((each) => <g key={`y${each.text}`}><line y1={each.at} y2={each.at} x1={0} x2={view.width} className="ed-grid" /><text x={3} y={each.at - 3} className="ed-grid-text">{each.text}</text></g>)}
      {lines.map((line, index) => line.vertices.length > 1 && (
        <path key={index} className={line.closed ? 'ed-area' : 'ed-path'} d={`M${line.vertices.map((each) => `${view.x(each.x)} ${view.y(each.y)}`).join('L')}${line.closed ? 'Z' : ''}`} />
      ))}
      {lines.flatMap((line) => line.vertices.slice(0, line.closed ? -1 : undefined)).slice(0, MOST_ROWS).map((vertex) => (
        <circle key={vertex.at.join('.')} className="ed-vertex" cx={view.x(vertex.x)} cy={view.y(vertex.y)} r={5} {...(onChange && { tabIndex: 0, role: 'button' })} aria-label={`${vertex.x}, ${vertex.y}`} onKeyDown={onKey(vertex)}
          onPointerDown={(event) => { if (onChange) { event.currentTarget.setPointerCapture(event.pointerId); setHeld({ vertex, view }) } }} />
      ))}
    </svg>
  )
}

function Coordinates({ kind, value, lines, onChange }: ShapeProps): ReactNode {
  const rows = lines.flatMap((line) => line.vertices.slice(0, line.closed ? -1 : undefined).map((vertex) => ({ line, vertex }))).slice(0, MOST_ROWS)
  return (
    <div className="ed-coordinates">
      {rows.map(({ line, vertex }) => (
        <div key={vertex.at.join('.')} className="ed-coordinate">
          <Coordinate label="x" value={vertex.x} onChange={onChange && ((x) => { onChange(moveVertex(kind, value, vertex.at, x, undefined)) })} />
          <Coordinate label="y" value={vertex.y} onChange={onChange && ((y) => { onChange(moveVertex(kind, value, vertex.at, undefined, y)) })} />
          {onChange && vertex.at.length > 0 && (
            <span className="ed-tools">
              <IconButton icon={AddIcon} label={t('values.add')} onClick={() => { onChange(addVertex(value, vertex.at)) }} />
              <IconButton icon={RemoveIcon} label={t('values.remove')} disabled={!canRemove(kind, line) && kind !== 'multiPoint'} onClick={() => { onChange(removeVertex(kind, value, vertex.at)) }} />
            </span>
          )}
        </div>
      ))}
    </div>
  )
}

function Coordinate({ label, value, onChange }: { label: string; value: number; onChange: ((value: Json) => void) | undefined }): ReactNode {
  const [text, setText] = useState<string>()
  if (!onChange) return <span className="num">{value}</span>
  return (
    <input className="ed-input num" aria-label={label} inputMode="decimal" value={text ?? String(value)} onBlur={() => { setText(undefined) }} onChange={(event) => {
      setText(event.target.value)
      const reading = readText({ kind: 'double' }, event.target.value)
      if ('value' in reading) onChange(reading.value)
    }} />
  )
}
