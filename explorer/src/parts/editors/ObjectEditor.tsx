import type { ReactNode } from 'react'
import { isObject, joinPointer, writeJson } from '@/api/json'
import type { EditorProps } from './TextEditor'
import { ValueRow } from './ValueRow'
import { useEditing } from './editing'
import { t } from '@/text/text'

/** The fields of an object as rows of their own. What is no field is told, and stays. */
export function ObjectEditor({ schema, value, path }: EditorProps): ReactNode {
  const editing = useEditing()
  if (schema.kind !== 'object' && schema.kind !== 'scaledDecimal') return null
  if (value !== undefined && !isObject(value)) return <pre className="ed-json mono">{writeJson(value, 2)}</pre>
  const known = new Set(schema.fields.map((field) => field.name))
  const others = Object.keys(value ?? {}).filter((name) => !known.has(name))
  return (
    <div className="ed-nested">
      {schema.fields.map((field) => (
        <ValueRow key={field.name} {...field} value={value?.[field.name]} path={[...path, field.name]} />
      ))}
      {others.map((name) => (
        <div key={name} className="ed-line"><span className="ed-head cut">{name}</span><span className="ed-value cut mono">{writeJson(value?.[name])}</span>
          {!editing.readOnly && <button type="button" className="ed-set" onClick={() => { editing.onEdit([{ path: joinPointer([...path, name]) }]) }}>{t('values.remove')}</button>}
        </div>
      ))}
    </div>
  )
}
