import { type ReactNode, useState } from 'react'
import { joinPointer, type Json } from '@/api/json'
import { type ResolvedSchema, say, type Texts } from '@/dtdl/model'
import { t } from '@/text/text'
import { Hint, IconButton } from '@/ui/button'
import { CloseIcon, DownIcon, RightIcon, UndoIcon } from '@/ui/icons'
import type { Path } from '../values/patch'
import { readText } from '../values/read'
import { firstValue, isLarge, showSchema } from '../values/show'
import { Editor } from './Editor'
import { testIdOf, useEditing } from './editing'
import { problemText } from './problems'

export interface ValueRowProps {
  readonly name: string
  readonly displayName: Texts
  readonly description: Texts
  readonly schema: ResolvedSchema
  readonly unit?: { readonly name: string; readonly symbol?: string; readonly displayName?: string } | undefined
  /** What else a hint tells, such as when it was changed. */
  readonly note?: string | undefined
  readonly value: Json | undefined
  readonly path: Path
}

function HintText({ row }: { row: ValueRowProps }): ReactNode {
  const description = say(row.description, '')
  return (
    <span className="column">
      <strong>{say(row.displayName, row.name)}</strong>
      {description !== '' && <span>{description}</span>}
      <span className="hint">{[showSchema(row.schema), row.unit?.displayName ?? row.unit?.name, row.note].filter(Boolean).join(' · ')}</span>
    </span>
  )
}

/** A value with its name: what it is at the left, itself, and what is to be known of it at the right (design 5.4). */
export function ValueRow(props: ValueRowProps): ReactNode {
  const { name, schema, value, path, unit } = props
  const editing = useEditing()
  const [setting, setSetting] = useState(false)
  const [open, setOpen] = useState(true)
  const pointer = joinPointer(path)
  const text = editing.texts.get(pointer)
  const large = isLarge(schema)
  const unset = value === undefined && text === undefined
  const edited = editing.isEdited(path)
  const refusal = editing.refusals.get(pointer) ?? (text === undefined ? undefined : problemText(readText(schema, text)))
  const begin = (): void => {
    const first = firstValue(schema)
    if (first !== undefined && (large || schema.kind !== 'string')) editing.onEdit([{ path: pointer, value: first }])
    setSetting(true)
  }
  const title = <Hint text={<HintText row={props} />} side="left"><span className="ed-name cut" tabIndex={-1}>{name}</span></Hint>
  const fold = large && !unset && (
    <button type="button" className="ed-fold" aria-expanded={open} aria-label={name} onClick={() => { setOpen(!open) }}>{open ? <DownIcon size={14} aria-hidden /> : <RightIcon size={14} aria-hidden />}</button>
  )
  const body = unset && !setting ? null : <Editor schema={schema} value={value} path={path} label={say(props.displayName, name)} autoFocus={setting} />
  return (
    <div className={`ed-row${large ? ' large' : ''}`} data-edited={edited || undefined} data-unset={unset || undefined} data-testid={testIdOf(editing, 'row', path)}>
      <div className="ed-line">
        <span className="ed-head">
          {fold}{editing.isLively?.(path) && <span className="ed-lively" />}{title}
        </span>
        {large ? <span className="ed-value hint cut">{unset ? '' : showSchema(schema)}</span> : <span className="ed-value">{body}{unset && !setting && <span className="hint">{editing.unsetText?.(path)}</span>}{!unset && unit && <span className="ed-unit">{unit.symbol ?? unit.name}</span>}</span>}
        <span className="ed-side">
          {!edited && !unset && editing.aside?.(path)}
          {edited && <span className="hint mono">{t('values.edited')}</span>}
          {unset && !edited && (editing.readOnly || setting) && <span className="hint">{t('values.unset')}</span>}
          {unset && !editing.readOnly && !setting && <button type="button" className="ed-set" onClick={begin} data-testid={testIdOf(editing, 'set', path)}>{t('values.set')}</button>}
          {edited && editing.onRevert && <IconButton icon={UndoIcon} label={t('values.revert')} onClick={() => { setSetting(false); editing.onRevert?.(path) }} data-testid={testIdOf(editing, 'revert', path)} />}
          {!unset && !edited && !editing.readOnly && editing.canUnset && <IconButton icon={CloseIcon} label={t('values.unset-act')} onClick={() => { setSetting(false); editing.onEdit([{ path: pointer }]) }} data-testid={testIdOf(editing, 'unset', path)} />}
        </span>
      </div>
      {large && open && body !== null && <div className="ed-body">{body}</div>}
      {refusal !== undefined && <p className="field-error ed-refusal" role="alert" data-testid={testIdOf(editing, 'refusal', path)}>{refusal}</p>}
      {editing.below?.(path)}
    </div>
  )
}
