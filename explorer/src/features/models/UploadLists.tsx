import { Fragment, type ReactNode, useEffect, useMemo, useState } from 'react'
import { Editor } from '@/parts/editor/Editor'
import { JSON_LANGUAGE } from '@/parts/editor/languages'
import type { EditorHandle, Problem as EditorProblem } from '@/parts/editor/types'
import { t } from '@/text/text'
import { Button } from '@/ui/button'
import { copyText } from '@/ui/copy'
import { CopyIcon, EditIcon, ErrorIcon } from '@/ui/icons'
import type { Candidate, Unread } from './files'
import { asText, byFile, type Problem, whereOf } from './problems'
import { positionOf, tokenSpan } from './spans'

const LOOKS = { new: 'ok', same: '', changed: 'warn', unnamed: 'danger', twice: 'danger' } as const
const REASONS = ['too-large', 'no-archive', 'no-json', 'too-many'] as const
const MOST_SHOWN = 1000

function reasonOf(reason: string): string {
  const known = REASONS.find((each) => each === reason)
  return known ? t(`models.unread-${known}`) : reason
}

/** What a person changes of a file: its whole text, so that lines are those of the file. */
export type Mend = (file: string, text: string, again: boolean) => void

/** What is about to be sent, by file; nothing vanishes silently. */
export function Candidates({ all, unread, onMend }: { all: readonly Candidate[]; unread: readonly Unread[]; onMend: Mend }): ReactNode {
  const [mending, setMending] = useState<string>()
  if (all.length === 0 && unread.length === 0) return <p className="secondary">{t('models.nothing-chosen')}</p>
  const files = [...new Set(all.map((each) => each.file))]
  return (
    <div className="models-candidates" data-testid="models.candidates">
      {unread.map((each, index) => (
        <Fragment key={index}>
          <div className="field-error row" data-testid={`models.unread.${each.file}`}><ErrorIcon size={14} aria-hidden /><code>{each.file}{placeText(each)}</code> <span className="grow">{reasonOf(each.reason)}</span>
            {each.text !== undefined && <Button look="quiet" icon={EditIcon} onClick={() => { setMending(mending === each.file ? undefined : each.file) }} data-testid={`models.mend.${each.file}`}>{t('models.mend')}</Button>}</div>
          {each.text !== undefined && mending === each.file && <Mender file={each.file} text={each.text} at={each.offset ?? 0} marks={[{ offset: each.offset ?? 0, message: each.reason }]} onDone={(text, again) => { setMending(undefined); onMend(each.file, text, again) }} />}
        </Fragment>
      ))}
      {files.slice(0, MOST_SHOWN).map((file) => (
        <section key={file}>
          <h3 className="cut">{file}</h3>
          {all.filter((each) => each.file === file).slice(0, MOST_SHOWN).map((each, index) => (
            <div key={index} className="models-candidate">
              <code className="cut grow">{each.id || t('models.without-id')}</code>
              {each.missing.length > 0 && <span className="tag warn" title={each.missing.join('\n')}>{t('models.needs', { id: each.missing[0] ?? '' })}</span>}
              <span className={`tag ${LOOKS[each.state]}`}>{t(`models.is-${each.state}`)}</span>
            </div>
          ))}
        </section>
      ))}
    </div>
  )
}

function placeText({ text, offset }: Unread): string {
  if (text === undefined || offset === undefined) return ''
  const { line, column } = positionOf(text, offset)
  return `:${line}:${column}`
}

/** Why nothing was stored: by file and line, with the way to mend it in place. */
export function Problems({ problems, onMend }: { problems: readonly Problem[]; onMend: Mend }): ReactNode {
  const [mending, setMending] = useState<Problem>()
  const copy = (): void => { void copyText(asText(problems)) }
  return (
    <div data-testid="models.problems">
      <div className="row models-refused" role="alert"><ErrorIcon size={14} aria-hidden /><span className="grow">{t('models.nothing-stored', { n: problems.length })}</span><Button look="quiet" icon={CopyIcon} onClick={copy} data-testid="models.copy-problems">{t('models.copy-text')}</Button></div>
      {[...byFile(problems)].map(([file, list]) => (
        <section key={file} data-testid={`models.problems.${file}`}>
          <h3>{file || t('models.no-file')}</h3>
          {list.map((each, index) => (
            <div key={index} className="models-problem">
              <p>{each.message}</p>
              <p className="row hint"><code data-testid="models.place">{whereOf(each)}</code><code>{each.code}</code><code className="cut grow">{each.candidate?.id}{each.pointer}</code>
                {each.candidate && <Button look="quiet" icon={EditIcon} aria-expanded={mending === each} onClick={() => { setMending(mending === each ? undefined : each) }} data-testid={`models.mend.${each.candidate.id}`}>{t('models.mend')}</Button>}</p>
            </div>
          ))}
          {mending?.candidate && mending.candidate.file === file && (
            <Mender key={file} file={file} text={mending.candidate.text} at={mending.place?.offset ?? mending.candidate.from}
              marks={list.flatMap((each) => (each.place ? [{ offset: each.place.offset, message: each.message }] : []))}
              onDone={(text, again) => { setMending(undefined); onMend(file, text, again) }} />
          )}
        </section>
      ))}
    </div>
  )
}

interface MenderProps {
  readonly file: string
  readonly text: string
  /** Where the cursor goes. */
  readonly at: number
  readonly marks: readonly { readonly offset: number; readonly message: string }[]
  readonly onDone: (text: string, again: boolean) => void
}

/** A file in an editor, its problems underlined and the cursor at the one that was chosen. */
function Mender({ file, text, at, marks, onDone }: MenderProps): ReactNode {
  const [changed, setChanged] = useState(text)
  const [handle, setHandle] = useState<EditorHandle>()
  const problems = useMemo(() => marks.map(({ offset, message }) => ({ ...tokenSpan(text, offset), severity: 'error' as const, message })), [marks, text])
  useEffect(() => { const { from, to } = tokenSpan(text, at); handle?.select(from, to) }, [handle, text, at])
  return (
    <div className="models-mender">
      <Editor label={file} value={changed} language={JSON_LANGUAGE} problems={changed === text ? problems : NO_PROBLEMS} onChange={setChanged} onReady={setHandle} testId="models.mender" />
      <div className="row">
        <Button onClick={() => { onDone(changed, false) }} data-testid="models.mended">{t('models.take')}</Button>
        <Button look="main" onClick={() => { onDone(changed, true) }} data-testid="models.mended-send">{t('models.take-send')}</Button>
      </div>
    </div>
  )
}

const NO_PROBLEMS: readonly EditorProblem[] = []
