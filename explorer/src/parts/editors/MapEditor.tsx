import { type KeyboardEvent, type ReactNode, useState } from 'react'
import { isObject, joinPointer, type Json, type JsonObject, writeJson } from '@/api/json'
import type { ResolvedSchema } from '@/dtdl/model'
import { t } from '@/text/text'
import { IconButton } from '@/ui/button'
import { AddIcon, RemoveIcon } from '@/ui/icons'
import type { Path } from '../values/patch'
import { anyValue, isLarge } from '../values/show'
import { Editor } from './Editor'
import { testIdOf, useEditing } from './editing'
import type { EditorProps } from './TextEditor'

/** Say why a key is none; undefined: it is one. */
function keyProblem(key: string, keys: readonly string[]): string | undefined {
  if (key.startsWith('$')) return t('values.key-dollar')
  return keys.includes(key) ? t('values.key-twice') : undefined
}

/** Keys and values; another key for a value is the old one taken away and the new one added. */
export function MapEditor({ schema, value, path, label }: EditorProps): ReactNode {
  const editing = useEditing()
  if (schema.kind !== 'map') return null
  if (value !== undefined && !isObject(value)) return <pre className="ed-json mono">{writeJson(value, 2)}</pre>
  const map: JsonObject = value ?? {}
  const keys = Object.keys(map)
  return (
    <div className="ed-nested">
      {keys.map((key) => <Entry key={key} name={key} keys={keys} schema={schema.value.schema} value={map[key]} path={path} />)}
      {keys.length === 0 && editing.readOnly && <span className="hint">{t('values.no-entries')}</span>}
      {!editing.readOnly && <NewEntry label={label} keys={keys} path={path} schema={schema.value.schema} />}
    </div>
  )
}

function Entry({ name, keys, schema, value, path }: { name: string; keys: readonly string[]; schema: ResolvedSchema; value: Json | undefined; path: Path }): ReactNode {
  const editing = useEditing()
  const [text, setText] = useState(name)
  const here = [...path, name]
  const problem = text === name ? undefined : keyProblem(text, keys)
  const rename = (): void => {
    if (text === name || problem !== undefined) return
    if (text === '') { setText(name); return }
    editing.onEdit([{ path: joinPointer(here) }, { path: joinPointer([...path, text]), ...(value !== undefined && { value }) }])
  }
  const refusal = problem ?? editing.refusals.get(joinPointer(here))
  return (
    <div className="ed-row" data-edited={editing.isEdited(here) || undefined} data-testid={testIdOf(editing, 'row', here)}>
      <div className={isLarge(schema) ? 'ed-line ed-line-large' : 'ed-line'}>
        <span className="ed-head">
          {editing.readOnly ? <span className="cut">{name}</span> : (
            <input className="ed-input ed-key" aria-label={t('values.key')} value={text} onChange={(event) => { setText(event.target.value) }} onBlur={rename} spellCheck={false} autoComplete="off"
              onKeyDown={(event) => { if (event.key === 'Enter') rename(); if (event.key === 'Escape') setText(name) }} data-testid={testIdOf(editing, 'key', here)} />
          )}
        </span>
        <span className="ed-value"><Editor schema={schema} value={value} path={here} label={name} /></span>
        {!editing.readOnly && <span className="ed-side"><IconButton icon={RemoveIcon} label={t('values.remove')} onClick={() => { editing.onEdit([{ path: joinPointer(here) }]) }} data-testid={testIdOf(editing, 'remove', here)} /></span>}
      </div>
      {refusal !== undefined && <p className="field-error ed-refusal" role="alert">{refusal}</p>}
    </div>
  )
}

function NewEntry({ label, keys, path, schema }: { label: string; keys: readonly string[]; path: Path; schema: ResolvedSchema }): ReactNode {
  const editing = useEditing()
  const [key, setKey] = useState('')
  const problem = keyProblem(key, keys)
  const add = (): void => {
    if (key === '' || problem !== undefined) return
    const pointer = joinPointer([...path, key])
    editing.onEdit([{ path: pointer, value: anyValue(schema) }])
    setKey('')
  }
  const onKey = (event: KeyboardEvent): void => { if (event.key === 'Enter') { event.preventDefault(); add() } }
  return (
    <div className="ed-new">
      <input className="input" placeholder={t('values.new-key')} aria-label={`${label}: ${t('values.new-key')}`} aria-invalid={problem !== undefined} value={key} onChange={(event) => { setKey(event.target.value) }} onKeyDown={onKey} spellCheck={false} autoComplete="off" data-testid={testIdOf(editing, 'new-key', path)} />
      <IconButton icon={AddIcon} label={t('values.add')} onClick={add} disabled={key === '' || problem !== undefined} data-testid={testIdOf(editing, 'add', path)} />
      {problem !== undefined && <span className="field-error">{problem}</span>}
    </div>
  )
}
