/** Fields with help beside them: instants, durations, ids, bytes. */
import { type ReactNode, useRef } from 'react'
import { t } from '@/text/text'
import { IconButton } from '@/ui/button'
import { CalendarIcon, ClockIcon, FileIcon, RetryIcon } from '@/ui/icons'
import { Popover } from '@/ui/menu'
import { DURATION_PARTS, type DurationPart, readDuration, writeDuration } from '../values/duration'
import { newUuid } from '../values/show'
import { useEditing } from './editing'
import { type EditorProps, TextEditor, useText } from './TextEditor'

const MOST_BYTES = 256 * 1024

/** The instant in a field's form; what stands behind the day in a text stays when another day is chosen. */
function nowAs(kind: string): string {
  const now = new Date().toISOString()
  return kind === 'date' ? now.slice(0, 10) : kind === 'time' ? now.slice(11) : now
}

export function InstantEditor(props: EditorProps): ReactNode {
  const { schema } = props
  const editing = useEditing()
  const { text, write, end } = useText(props)
  const calendar = useRef<HTMLInputElement>(null)
  if (editing.readOnly) return <TextEditor {...props} />
  const put = (next: string): void => { write(next); end() }
  return (
    <span className="ed-with-tools">
      <TextEditor {...props} />
      <span className="ed-tools">
        {schema.kind !== 'time' && (
          <>
            <input ref={calendar} type="date" className="ed-native" tabIndex={-1} aria-hidden value={text.slice(0, 10)} onChange={(event) => {
              const day = event.target.value
              if (day !== '') put(schema.kind === 'date' ? day : `${day}${text.slice(10) || 'T00:00:00Z'}`)
            }} />
            <IconButton icon={CalendarIcon} label={t('values.calendar')} onClick={() => { calendar.current?.showPicker() }} />
          </>
        )}
        <IconButton icon={ClockIcon} label={t('values.now')} onClick={() => { put(nowAs(schema.kind)) }} />
      </span>
    </span>
  )
}

export function DurationEditor(props: EditorProps): ReactNode {
  const editing = useEditing()
  const { text, write, end } = useText(props)
  if (editing.readOnly) return <TextEditor {...props} />
  const duration = readDuration(text) ?? {}
  const put = (part: DurationPart, digits: string): void => {
    write(writeDuration({ ...duration, [part]: digits.replace(',', '.') }))
    end()
  }
  return (
    <span className="ed-with-tools">
      <TextEditor {...props} />
      <span className="ed-tools">
        <Popover label={props.label} align="end" trigger={<IconButton icon={ClockIcon} label={t('values.duration-fields')} />}>
          <div className="ed-duration">
            {DURATION_PARTS.filter((part) => part !== 'weeks' || duration.weeks !== undefined).map((part) => (
              <label key={part} className="ed-duration-part">
                <input className="input num" inputMode="decimal" value={duration[part] ?? ''} placeholder="0" onChange={(event) => { put(part, event.target.value.replace(/[^\d.,]/g, '')) }} data-testid={`duration.${part}`} />
                <span className="hint">{t(`values.duration-${part}`)}</span>
              </label>
            ))}
          </div>
          <p className="mono secondary">{text}</p>
        </Popover>
      </span>
    </span>
  )
}

export function UuidEditor(props: EditorProps): ReactNode {
  const editing = useEditing()
  const { write, end } = useText(props)
  if (editing.readOnly) return <TextEditor {...props} />
  return (
    <span className="ed-with-tools">
      <TextEditor {...props} />
      <span className="ed-tools"><IconButton icon={RetryIcon} label={t('values.new-uuid')} onClick={() => { write(newUuid()); end() }} /></span>
    </span>
  )
}

export function BytesEditor(props: EditorProps): ReactNode {
  const editing = useEditing()
  const { text, write, end } = useText(props)
  const chooser = useRef<HTMLInputElement>(null)
  if (editing.readOnly) return <TextEditor {...props} />
  const take = async (file: File): Promise<void> => {
    if (file.size > MOST_BYTES) { write(`! ${file.name}`); return }
    const bytes = new Uint8Array(await file.arrayBuffer())
    write(btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join('')))
    end()
  }
  const size = Math.floor((text.replace(/=+$/, '').length * 3) / 4)
  return (
    <span className="ed-with-tools">
      <TextEditor {...props} />
      <span className="hint num">{t('values.bytes', { n: size })}</span>
      <span className="ed-tools">
        <input ref={chooser} type="file" className="ed-native" tabIndex={-1} aria-hidden onChange={(event) => { const file = event.target.files?.[0]; if (file) void take(file) }} />
        <IconButton icon={FileIcon} label={t('values.from-file')} onClick={() => { chooser.current?.click() }} />
      </span>
    </span>
  )
}
