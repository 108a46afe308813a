import { type ReactNode, useDeferredValue, useMemo, useState } from 'react'
import type { Facts, Member } from '@/lang/facts'
import { helpAt, writtenIn } from '@/lang/query'
import { formatNumber, t } from '@/text/text'
import { Hint } from '@/ui/button'
import { Empty } from '@/ui/states'
import { PAIR } from './examples'

interface HelpPaneProps {
  readonly text: string
  readonly cursor: number
  readonly facts: Facts
  readonly onInsert: (text: string) => void
}

const MOST = 80

/** What the alias under the cursor has: relationships, fields, components (design 5.2). */
export function HelpPane({ text, cursor, facts, onInsert }: HelpPaneProps): ReactNode {
  const [chosen, setChosen] = useState<{ alias: string; cursor: number }>()
  const late = useDeferredValue({ text, cursor })
  const help = useMemo(() => helpAt(late.text, late.cursor, facts, chosen?.cursor === late.cursor ? chosen.alias : undefined), [late, facts, chosen])
  const written = writtenIn(late.text)
  return (
    <aside className="query-help" aria-label={t('query.help')} data-testid="query.help">
      <header className="query-help-head">
        <h2>{t('query.help')}</h2>
        {help.aliases.map((alias) => (
          <button key={alias} type="button" className="query-alias mono" aria-pressed={alias === help.alias} onClick={() => { setChosen({ alias, cursor: late.cursor }) }}>{alias}</button>
        ))}
      </header>
      <div className="query-help-list scroll" tabIndex={0} role="group" aria-label={help.alias}>
        {help.members.length === 0 && <Empty text={t('query.help-none')} />}
        {help.members.slice(0, MOST).map((member) => <HelpRow key={`${member.kind} ${member.name}`} member={member} onInsert={() => { onInsert(help.alias === '' || member.kind === 'relationship' ? written(member.name, member.kind === 'relationship') : `${help.alias}.${written(member.name, true)}`) }} />)}
      </div>
      <Both onInsert={onInsert} />
    </aside>
  )
}

/** The same question in both languages; a click writes it. */
function Both({ onInsert }: { onInsert: (text: string) => void }): ReactNode {
  return (
    <details className="query-both" data-testid="query.both">
      <summary>{t('query.both-languages')}</summary>
      <p className="secondary">{t('query.both-note')}</p>
      {(['adt', 'cypher'] as const).map((language) => (
        <button key={language} type="button" className="query-both-text" onClick={() => { onInsert(PAIR[language]) }} data-testid={`query.both.${language}`}>
          <span className="secondary">{t(`query.both-${language}`)}</span>
          <code className="mono">{PAIR[language]}</code>
        </button>
      ))}
    </details>
  )
}

function HelpRow({ member, onInsert }: { member: Member; onInsert: () => void }): ReactNode {
  const more = member.unit ?? (member.count === undefined ? undefined : formatNumber(member.count))
  const row = (
    <button type="button" className="query-help-row" onClick={onInsert} data-testid={`query.help.${member.name}`}>
      <span className="mono cut">{member.name}</span>
      <span className="secondary cut">{member.type}{more !== undefined && <span className="query-help-more">{` · ${more}`}</span>}</span>
    </button>
  )
  return member.says === undefined ? row : <Hint text={member.says} side="left">{row}</Hint>
}
