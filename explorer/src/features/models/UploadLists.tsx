import { type ReactNode, useState } from 'react'
import { writeJson } from '@/api/json'
import { t } from '@/text/text'
import { Button } from '@/ui/button'
import { copyText } from '@/ui/copy'
import { CopyIcon, EditIcon, ErrorIcon } from '@/ui/icons'
import type { Candidate, Unread } from './files'
import { asText, byFile, type Problem } from './problems'

const LOOKS = { new: 'ok', same: '', changed: 'warn', unnamed: 'danger', twice: 'danger' } as const
const REASONS = ['too-large', 'no-archive', 'no-json', 'too-many'] as const
const MOST_SHOWN = 1000

function reasonOf(reason: string): string {
  const known = REASONS.find((each) => each === reason)
  return known ? t(`models.unread-${known}`) : reason
}

/** What is about to be sent, by file; nothing vanishes silently. */
export function Candidates({ all, unread }: { all: readonly Candidate[]; unread: readonly Unread[] }): ReactNode {
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
        </section>
      ))}
    </div>
  )
}

/** Why nothing was stored: by file, with the way to mend it in place. */
export function Problems({ problems, onMend }: { problems: readonly Problem[]; onMend: (candidate: Candidate, text: string) => void }): ReactNode {
  const [mending, setMending] = useState<Candidate>()
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
                  {candidate && <Button look="quiet" icon={EditIcon} onClick={() => { setMending(mending === candidate ? undefined : candidate) }} data-testid={`models.mend.${candidate.id}`}>{t('models.mend')}</Button>}</p>
              </div>
            )
          })}
          {mending && list.some((each) => each.candidate === mending) && <Mender key={mending.id} candidate={mending} onDone={(text) => { setMending(undefined); onMend(mending, text) }} />}
        </section>
      ))}
    </div>
  )
}

function Mender({ candidate, onDone }: { candidate: Candidate; onDone: (text: string) => void }): ReactNode {
  const [text, setText] = useState(() => writeJson(candidate.model, 2))
  return (
    <div className="models-mender">
      <textarea className="input mono" aria-label={candidate.id} value={text} rows={14} spellCheck={false} onChange={(event) => { setText(event.target.value) }} data-testid="models.mender" />
      <Button onClick={() => { onDone(text) }} data-testid="models.mended">{t('models.take')}</Button>
    </div>
  )
}
