import { type DragEvent, type ReactNode, useMemo, useState } from 'react'
import { isObject, joinPointer, type Json, splitPointer, writeJson } from '@/api/json'
import { type ResolvedSchema, say } from '@/dtdl/model'
import { t } from '@/text/text'
import { Button, IconButton } from '@/ui/button'
import { AddIcon, CloseIcon, DownIcon, GripIcon, UpIcon } from '@/ui/icons'
import type { Edit } from '../values/draft'
import { isWithin, type Path, withValue } from '../values/patch'
import { anyValue, isLarge } from '../values/show'
import { Editor } from './Editor'
import { type Editing, EditingContext, testIdOf, useEditing } from './editing'
import type { EditorProps } from './TextEditor'

/** Replace an element, or something in it, and give the whole array: it is written whole. */
function withElement(list: readonly Json[], rest: Path, value: Json | undefined): readonly Json[] {
  const [index, ...inner] = rest
  return list.map((each, here) => {
    if (String(here) !== index) return each
    if (inner.length === 0) return value ?? each
    return isObject(each) ? withValue(each, inner, value) : each
  })
}

/** Edits of elements become one edit of the array. */
function useElements(list: readonly Json[], path: Path): Editing {
  const editing = useEditing()
  return useMemo(() => ({
    ...editing, canUnset: false, isEdited: () => false,
    onEdit: (edits: readonly Edit[]) => {
      const unread = edits.filter((each) => each.text !== undefined)
      const read = edits.filter((each) => each.text === undefined)
      const next = read.reduce((all, each) => withElement(all, splitPointer(each.path).slice(path.length), each.value), list)
      editing.onEdit([...unread, ...(read.length > 0 ? [{ path: joinPointer(path), value: next }] : [])])
    },
  }), [editing, list, path])
}

/** A list: short values side by side, objects as a small table, the rest one below the other. */
export function ArrayEditor({ schema, value, path, label }: EditorProps): ReactNode {
  const editing = useEditing()
  const list = Array.isArray(value) ? (value as readonly Json[]) : []
  const inner = useElements(list, path)
  const [dragged, setDragged] = useState<number>()
  if (schema.kind !== 'array') return null
  if (value !== undefined && !Array.isArray(value)) return <pre className="ed-json mono">{writeJson(value, 2)}</pre>
  const put = (next: readonly Json[]): void => { editing.onEdit([{ path: joinPointer(path), value: next }]) }
  const move = (from: number, to: number): void => {
    const rest = list.filter((_each, index) => index !== from)
    const taken = list[from]
    if (taken !== undefined && to >= 0 && to < list.length) put([...rest.slice(0, to), taken, ...rest.slice(to)])
  }
  const fields = schema.element.kind === 'object' && schema.element.fields.every((field) => !isLarge(field.schema)) ? schema.element.fields : undefined
  const form = fields ? 'cells' : isLarge(schema.element) ? 'blocks' : 'tags'
  const item = (index: number): { draggable: boolean; onDragStart: () => void; onDragOver: (event: DragEvent) => void; onDrop: () => void } => ({
    draggable: !editing.readOnly && dragged === index,
    onDragStart: () => undefined,
    onDragOver: (event) => { if (dragged !== undefined) event.preventDefault() },
    onDrop: () => { if (dragged !== undefined) move(dragged, index); setDragged(undefined) },
  })
  const tools = (index: number): ReactNode => !editing.readOnly && (
    <span className="ed-tools">
      <span className="ed-grip" aria-hidden onPointerDown={() => { setDragged(index) }} onPointerUp={() => { setDragged(undefined) }}><GripIcon size={12} /></span>
      {form !== 'tags' && <IconButton icon={UpIcon} label={t('values.up')} disabled={index === 0} onClick={() => { move(index, index - 1) }} />}
      {form !== 'tags' && <IconButton icon={DownIcon} label={t('values.down')} disabled={index === list.length - 1} onClick={() => { move(index, index + 1) }} />}
      <IconButton icon={CloseIcon} size={12} label={t('values.remove')} onClick={() => { put(list.filter((_each, here) => here !== index)) }} data-testid={testIdOf(editing, 'remove', [...path, String(index)])} />
    </span>
  )
  return (
    <EditingContext value={inner}>
      <div className={`ed-list ${form}`} role="group" aria-label={label}>
        {fields && list.length > 0 && <div className="ed-table-head" style={{ gridTemplateColumns: `repeat(${fields.length}, 1fr) 104px` }}>{fields.map((field) => <span key={field.name} className="hint cut" title={say(field.displayName, field.name)}>{field.name}</span>)}</div>}
        {list.map((each, index) => (
          <div key={index} className="ed-item" {...item(index)} {...(fields && { style: { gridTemplateColumns: `repeat(${fields.length}, 1fr) 104px` } })}>
            <Element schema={schema.element} value={each} path={[...path, String(index)]} label={`${label} ${index + 1}`} asCells={fields !== undefined} />
            {tools(index)}
          </div>
        ))}
        {!editing.readOnly && <Button look="quiet" icon={AddIcon} onClick={() => { put([...list, anyValue(schema.element)]) }} data-testid={testIdOf(editing, 'add', path)}>{t('values.add')}</Button>}
        {editing.readOnly && list.length === 0 && <span className="hint">{t('values.no-elements')}</span>}
        <Refusals path={path} editing={editing} />
      </div>
    </EditingContext>
  )
}

function Element({ schema, value, path, label, asCells }: { schema: ResolvedSchema; value: Json; path: Path; label: string; asCells: boolean }): ReactNode {
  if (!asCells || schema.kind !== 'object') return <Editor schema={schema} value={value} path={path} label={label} />
  return schema.fields.map((field) => (
    <Editor key={field.name} schema={field.schema} value={isObject(value) ? value[field.name] : undefined} path={[...path, field.name]} label={`${label} ${field.name}`} />
  ))
}

/** What the server or the reading refused of elements, below them. */
function Refusals({ path, editing }: { path: Path; editing: Editing }): ReactNode {
  const found = [...editing.refusals].filter(([pointer]) => { const parts = splitPointer(pointer); return parts.length > path.length && isWithin(parts, path) })
  return found.map(([pointer, text]) => <p key={pointer} className="field-error ed-refusal" role="alert">{`${splitPointer(pointer).slice(path.length).join('.')}: ${text}`}</p>)
}
