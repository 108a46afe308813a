import { type KeyboardEvent, type ReactNode, useRef, useState } from 'react'
import { joinPointer, type Json, sameJson } from '@/api/json'
import { INTEGERS, REALS, type ResolvedSchema } from '@/dtdl/model'
import { t } from '@/text/text'
import type { Path } from '../values/patch'
import { RANGES, readText, stepNumber } from '../values/read'
import { showValue } from '../values/show'
import { testIdOf, useEditing } from './editing'
import { problemText } from './problems'

export interface EditorProps {
  readonly schema: ResolvedSchema
  readonly value: Json | undefined
  readonly path: Path
  /** What it is, for readers. */
  readonly label: string
  readonly autoFocus?: boolean
}

const NUMBERS = new Set<string>([...INTEGERS, ...REALS])
const LARGE_STEP = 10

/** What is written becomes an edit: a value, or a text that is none yet. */
export function useText({ schema, value, path }: Pick<EditorProps, 'schema' | 'value' | 'path'>): { text: string; problem: string | undefined; begin: () => void; end: () => void; write: (text: string) => void } {
  const editing = useEditing()
  const pointer = joinPointer(path)
  // While it is written in, a field shows the letters as they come: `1.` is on its way to `1.5`. An undo, or what
  // somebody else writes, ends that.
  const [typing, setTyping] = useState<{ readonly text: string; readonly kept: string | undefined; readonly value: Json | undefined }>()
  const kept = editing.texts.get(pointer)
  const isCurrent = typing !== undefined && typing.kept === kept && (kept !== undefined || sameJson(typing.value, value))
  const text = isCurrent ? typing.text : kept ?? showValue(value)
  const write = (next: string): void => {
    const reading = readText(schema, next)
    const read = 'value' in reading ? reading.value : undefined
    const unset = 'problem' in reading && reading.problem === 'empty' && editing.canUnset
    setTyping({ text: next, kept: read === undefined && !unset ? next : undefined, value: read })
    editing.onEdit([read !== undefined ? { path: pointer, value: read } : unset ? { path: pointer } : { path: pointer, text: next }])
  }
  const unread = kept === undefined ? undefined : problemText(readText(schema, kept))
  return { text, problem: unread, write, begin: () => { setTyping({ text, kept, value }) }, end: () => { setTyping(undefined) } }
}

function rangeOf(schema: ResolvedSchema): string | undefined {
  const range = RANGES[schema.kind]
  return range && t('values.range', { low: range[0].toLocaleString(), high: range[1].toLocaleString() })
}

/** One line that is written: texts, numbers, dates, ids. It looks like text until it is pointed at. */
export function TextEditor({ schema, value, path, label, autoFocus }: EditorProps): ReactNode {
  const editing = useEditing()
  const field = useText({ schema, value, path })
  const input = useRef<HTMLInputElement>(null)
  const [lines, setLines] = useState(false)
  const isNumber = NUMBERS.has(schema.kind)
  const shared = {
    'aria-label': label, 'aria-invalid': field.problem !== undefined, value: field.text, autoFocus, spellCheck: false, autoComplete: 'off',
    'data-testid': testIdOf(editing, 'input', path), onFocus: field.begin, onBlur: field.end,
  }
  const onKey = (event: KeyboardEvent): void => {
    if (schema.kind === 'string' && event.key === 'Enter' && event.shiftKey) { event.preventDefault(); setLines(true); field.write(`${field.text}\n`) }
    const step = event.key === 'ArrowUp' ? 1 : event.key === 'ArrowDown' ? -1 : 0
    if (!isNumber || step === 0) return
    event.preventDefault()
    const next = stepNumber(field.text, step * (event.shiftKey ? LARGE_STEP : 1))
    if (next !== undefined) field.write(next)
  }
  if (editing.readOnly) return <span className={schema.kind === 'string' ? 'ed-plain' : 'ed-plain num'}>{field.text}</span>
  if (lines || field.text.includes('\n')) {
    return <textarea className="input ed-lines" {...shared} autoFocus={lines} rows={Math.min(8, field.text.split('\n').length + 1)} onChange={(event) => { field.write(event.target.value) }} />
  }
  return (
    <input ref={input} className={`ed-input${isNumber ? ' num' : ''}`} {...shared} title={rangeOf(schema)} placeholder={value === undefined ? t('values.unset') : undefined}
      inputMode={isNumber ? (RANGES[schema.kind] ? 'numeric' : 'decimal') : undefined} onKeyDown={onKey} onChange={(event) => { field.write(event.target.value) }} />
  )
}
