import { type ReactNode, useState } from 'react'
import { joinPointer } from '@/api/json'
import { say } from '@/dtdl/model'
import { t } from '@/text/text'
import { Switch } from '@/ui/controls'
import { Select } from '@/ui/select'
import { ChooseIcon } from '@/ui/icons'
import { Popover } from '@/ui/menu'
import { showValue } from '../values/show'
import { Picker } from '../pick/Picker'
import { testIdOf, useEditing } from './editing'
import type { EditorProps } from './TextEditor'

const MOST_IN_A_MENU = 12

export function BooleanEditor({ value, path, label }: EditorProps): ReactNode {
  const editing = useEditing()
  const words = value === undefined ? '' : value === true ? t('values.yes') : t('values.no')
  if (editing.readOnly) return <span className="ed-plain">{words}</span>
  return (
    <span className="ed-switch">
      <Switch label={label} on={value === true} testId={testIdOf(editing, 'input', path)} onChange={(on) => { editing.onEdit([{ path: joinPointer(path), value: on }]) }} />
      <span>{words}</span>
    </span>
  )
}

export function EnumEditor({ schema, value, path, label }: EditorProps): ReactNode {
  const editing = useEditing()
  const [open, setOpen] = useState(false)
  if (schema.kind !== 'enum') return null
  if (editing.readOnly) return <span className="ed-plain">{showValue(value, schema)}</span>
  const choose = (text: string): void => {
    const chosen = schema.values.find((each) => String(each.value) === text)
    if (chosen) editing.onEdit([{ path: joinPointer(path), value: chosen.value }])
  }
  const choices = schema.values.map((each) => {
    const text = say(each.displayName, each.name)
    return { value: String(each.value), text, ...(String(each.value) !== text && { hint: String(each.value) }) }
  })
  const testId = testIdOf(editing, 'input', path)
  if (choices.length <= MOST_IN_A_MENU) {
    return <span className="ed-choice"><Select label={label} value={value === undefined ? undefined : String(value)} choices={choices} onChange={choose} testId={testId} placeholder={t('values.choose')} /></span>
  }
  return (
    <Popover label={label} open={open} onOpenChange={setOpen} trigger={(
      <button type="button" className="select ed-choice-button" aria-label={label} data-testid={testId}>
        <span className="cut">{value === undefined ? t('values.choose') : showValue(value, schema)}</span><ChooseIcon size={12} aria-hidden />
      </button>
    )}>
      <Picker label={label} rows={choices.map((each) => ({ id: each.value, text: each.text, hint: each.hint }))} onChoose={(id) => { choose(id); setOpen(false) }} />
    </Popover>
  )
}
