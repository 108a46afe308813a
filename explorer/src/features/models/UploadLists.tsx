import type { ReactNode } from 'react'
import { parseJson, writeJson } from '@/api/json'
import { t } from '@/text/text'
import { Button } from '@/ui/button'
import { copyText } from '@/ui/copy'
import { CopyIcon, EditIcon, ErrorIcon } from '@/ui/icons'
import type { Candidate, Unread } from './files'
import { asText, byFile, type Problem } from './problems'

const LOOKS = { new: 'ok', same: '', changed: 'warn', unnamed: 'danger', twice: 'danger' } as const
const REASONS = ['too-large', 'no-archive', 'no-json', 'too-many'] as const
const MOST_SHOWN = 1000

/** A model whose text is mended here. */
export interface Mending { readonly file: string; readonly place: number; readonly id: string; readonly text: string }
interface MenderProps {
  readonly mending: Mending | undefined
  readonly onMending: (mending: Mending | undefined) => void
  readonly onMended: (mending: Mending) => void
}

function reasonOf(reason: string): string {
  const known = REASONS.find((each) => each === reason)
  return known ? t(`models.unread-${known}`) : reason
}

/** What is about to be sent, by file; nothing vanishes silently. */
export function Candidates({ all, unread, mender }: { all: readonly Candidate[]; unread: readonly Unread[]; mender: MenderProps }): ReactNode {
  if (all.length === 0 && unread.length === 0) return <p className="secondary">{t('models.nothing-chosen')}</p>
  const files = [...new Set(all.map((each) => each.file))]
  return (
    <div className="models-candidates" data-testid="models.candidates">
      {unread.map((each, index) => <p key={index} className="field-error row"><ErrorIcon size={14} aria-hidden /><code>{each.file}</code> {reasonOf(each.reason)}</p>)}
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
          {mender.mending?.file === file && <Mender {...mender} mending={mender.mending} />}
        </section>
      ))}
    </div>
  )
}

/** Why nothing was stored: by file, with the way to mend it in place. */
export function Problems({ problems, mender }: { problems: readonly Problem[]; mender: MenderProps }): ReactNode {
  const { mending, onMending } = mender
  const copy = (): void => { void copyText(asText(problems)) }
  return (
    <div data-testid="models.problems">
      <div className="row models-refused" role="alert"><ErrorIcon size={14} aria-hidden /><span className="grow">{t('models.nothing-stored', { n: problems.length })}</span><Button look="quiet" icon={CopyIcon} onClick={copy}>{t('models.copy-text')}</Button></div>
      {[...byFile(problems)].map(([file, list]) => (
        <section key={file} data-testid={`models.problems.${file}`}>
          <h3>{file || t('models.no-file')}</h3>
          {list.map((each, index) => {
            const { candidate } = each
            return (
              <div key={index} className="models-problem">
                <p>{each.message}</p>
                <p className="row hint"><code>{each.code}</code><code className="cut grow">{candidate?.id}{each.pointer}</code>
                  {candidate && <Button look="quiet" icon={EditIcon} onClick={() => { onMending(isOf(mending, candidate) ? undefined : { file: candidate.file, place: candidate.place, id: candidate.id, text: writeJson(candidate.model, 2) }) }} data-testid={`models.mend.${candidate.id}`}>{t('models.mend')}</Button>}</p>
              </div>
            )
          })}
          {mending && list.some((each) => each.candidate && isOf(mending, each.candidate)) && <Mender {...mender} mending={mending} />}
        </section>
      ))}
    </div>
  )
}

function isOf(mending: Mending | undefined, candidate: Candidate): boolean { return mending?.file === candidate.file && mending.place === candidate.place }

function isJson(text: string): boolean {
  try {
    parseJson(text)
    return true
  } catch {
    return false
  }
}

function Mender({ mending, onMending, onMended }: MenderProps & { readonly mending: Mending }): ReactNode {
  const { id, text } = mending
  const isWell = isJson(text)
  return (
    <div className="models-mender">
      <textarea className="input mono" aria-label={id} aria-invalid={!isWell} value={text} rows={14} spellCheck={false} onChange={(event) => { onMending({ ...mending, text: event.target.value }) }} data-testid="models.mender" />
      <Button disabled={!isWell} onClick={() => { onMended(mending) }} data-testid="models.mended">{t('models.take')}</Button>
    </div>
  )
}
