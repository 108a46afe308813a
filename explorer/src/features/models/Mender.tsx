import { type ReactNode, useEffect, useMemo, useRef, useState } from 'react'
import { Editor } from '@/parts/editor/Editor'
import { JSON_LANGUAGE } from '@/parts/editor/languages'
import type { EditorHandle, Problem as EditorProblem } from '@/parts/editor/types'
import { t } from '@/text/text'
import { Button } from '@/ui/button'
import type { Mending, Place } from './mending'
import { tokenSpan } from './spans'

/** What a person does with files that are mended in place. */
export interface Mends {
  readonly all: readonly Mending[]
  readonly onOpen: (place: Place) => void
  /** Its whole text is written, so that lines are those of the file; `before` is what the file says itself. */
  readonly onWrite: (file: string, text: string, before: string) => void
  readonly onDone: (file: string, text: string, again: boolean) => void
  readonly onCancel: (file: string) => void
}

interface MenderProps {
  readonly mends: Mends
  readonly file: string
  readonly text: string
  readonly marks: readonly { readonly offset: number; readonly message: string }[]
}

/** The editor of a file, where it is open. */
export function Mender({ mends, file, text, marks }: MenderProps): ReactNode {
  const mending = mends.all.find((each) => each.file === file)
  return mending && <OpenMender key={file} mending={mending} mends={mends} text={text} marks={marks} />
}

/** A file in an editor, its problems underlined and the cursor at the one that was chosen. */
function OpenMender({ mending, mends, text, marks }: Omit<MenderProps, 'file'> & { readonly mending: Mending }): ReactNode {
  const { file, at } = mending
  const now = mending.text ?? text
  const written = useRef(now)
  written.current = now
  const [handle, setHandle] = useState<EditorHandle>()
  const problems = useMemo(() => marks.map(({ offset, message }) => ({ ...tokenSpan(text, offset), severity: 'error' as const, message })), [marks, text])
  useEffect(() => { const { from, to } = tokenSpan(written.current, at); handle?.select(from, to) }, [handle, text, at])
  return (
    <div className="models-mender">
      <Editor label={file} value={now} language={JSON_LANGUAGE} problems={mending.text === undefined ? problems : NO_PROBLEMS} onChange={(next) => { mends.onWrite(file, next, text) }} onReady={setHandle} testId="models.mender" />
      <div className="row">
        <Button onClick={() => { mends.onCancel(file) }} data-testid="models.mend-cancel">{t('ui.cancel')}</Button>
        <Button onClick={() => { mends.onDone(file, now, false) }} data-testid="models.mended">{t('models.take')}</Button>
        <Button look="main" onClick={() => { mends.onDone(file, now, true) }} data-testid="models.mended-send">{t('models.take-send')}</Button>
      </div>
    </div>
  )
}

const NO_PROBLEMS: readonly EditorProblem[] = []
