import { Fragment, type ReactNode } from 'react'
import { t } from '@/text/text'
import { Button } from '@/ui/button'
import { copyText } from '@/ui/copy'
import { CopyIcon, EditIcon, ErrorIcon } from '@/ui/icons'
import type { Candidate, Unread } from './files'
import { Mender, type Mends } from './Mender'
import { isOpen } from './mending'
import { asText, byFile, type Problem, whereOf } from './problems'
import { positionOf } from './spans'

const LOOKS = { new: 'ok', same: '', changed: 'warn', unnamed: 'danger', twice: 'danger' } as const
const REASONS = ['too-large', 'no-archive', 'no-json', 'too-many'] as const
const MOST_SHOWN = 1000
const NO_MARKS: readonly never[] = []

function reasonOf(reason: string): string {
  const known = REASONS.find((each) => each === reason)
  return known ? t(`models.unread-${known}`) : reason
}

/** What is about to be sent, by file; nothing vanishes silently. */
export function Candidates({ all, unread, mends }: { all: readonly Candidate[]; unread: readonly Unread[]; mends: Mends }): ReactNode {
  if (all.length === 0 && unread.length === 0) return <p className="secondary">{t('models.nothing-chosen')}</p>
  const files = [...new Set(all.map((each) => each.file))]
  return (
    <div className="models-candidates" data-testid="models.candidates">
      {unread.map((each, index) => (
        <Fragment key={index}>
          <div className="field-error row" data-testid={`models.unread.${each.file}`}><ErrorIcon size={14} aria-hidden /><code>{each.file}{placeText(each)}</code> <span className="grow">{reasonOf(each.reason)}</span>
            {each.text !== undefined && <Button look="quiet" icon={EditIcon} onClick={() => { mends.onOpen({ file: each.file, at: each.offset ?? 0 }) }} data-testid={`models.mend.${each.file}`}>{t('models.mend')}</Button>}</div>
          {each.text !== undefined && <Mender mends={mends} file={each.file} text={each.text} marks={[{ offset: each.offset ?? 0, message: each.reason }]} />}
        </Fragment>
      ))}
      {files.slice(0, MOST_SHOWN).map((file) => {
        const mine = all.filter((each) => each.file === file)
        return (
          <section key={file}>
            <h3 className="cut">{file}</h3>
            {mine.slice(0, MOST_SHOWN).map((each, index) => (
              <div key={index} className="models-candidate">
                <code className="cut grow">{each.id || t('models.without-id')}</code>
                {each.missing.length > 0 && <span className="tag warn" title={each.missing.join('\n')}>{t('models.needs', { id: each.missing[0] ?? '' })}</span>}
                <span className={`tag ${LOOKS[each.state]}`}>{t(`models.is-${each.state}`)}</span>
              </div>
            ))}
            <Mender mends={mends} file={file} text={mine[0]?.text ?? ''} marks={NO_MARKS} />
          </section>
        )
      })}
    </div>
  )
}

function placeText({ text, offset }: Unread): string {
  if (text === undefined || offset === undefined) return ''
  const { line, column } = positionOf(text, offset)
  return `:${line}:${column}`
}

/** Why nothing was stored: by file and line, with the way to mend it in place. */
export function Problems({ problems, mends }: { problems: readonly Problem[]; mends: Mends }): ReactNode {
  const copy = (): void => { void copyText(asText(problems)) }
  return (
    <div data-testid="models.problems">
      <div className="row models-refused" role="alert"><ErrorIcon size={14} aria-hidden /><span className="grow">{t('models.nothing-stored', { n: problems.length })}</span><Button look="quiet" icon={CopyIcon} onClick={copy} data-testid="models.copy-problems">{t('models.copy-text')}</Button></div>
      {[...byFile(problems)].map(([file, list]) => {
        const text = list.find((each) => each.candidate)?.candidate?.text
        return (
          <section key={file} data-testid={`models.problems.${file}`}>
            <h3>{file || t('models.no-file')}</h3>
            {list.map((each, index) => (
              <div key={index} className="models-problem">
                <p>{each.message}</p>
                <p className="row hint"><code data-testid="models.place">{whereOf(each)}</code><code>{each.code}</code><code className="cut grow">{each.candidate?.id}{each.pointer}</code><MendButton problem={each} mends={mends} /></p>
              </div>
            ))}
            {text !== undefined && <Mender mends={mends} file={file} text={text} marks={list.flatMap((each) => (each.place ? [{ offset: each.place.offset, message: each.message }] : []))} />}
          </section>
        )
      })}
    </div>
  )
}

function MendButton({ problem: { candidate, place: told }, mends }: { problem: Problem; mends: Mends }): ReactNode {
  if (!candidate) return null
  const place = { file: candidate.file, at: told?.offset ?? candidate.from }
  return <Button look="quiet" icon={EditIcon} aria-expanded={isOpen(mends.all, place)} onClick={() => { mends.onOpen(place) }} data-testid={`models.mend.${candidate.id}`}>{t('models.mend')}</Button>
}
