import { type ReactNode, useMemo } from 'react'
import { t } from '@/text/text'
import { InIcon, OutIcon } from '@/ui/icons'
import { useRelated } from '@/parts/relationships'
import { TwinChip } from '@/parts/TwinChip'
import { useTwins } from '@/parts/twins'
import { Section } from './Section'
import { tieGroups } from './related'

const MOST = 12

/** One line for each kind of relationship, below the values. */
export function RelationshipSummary({ id }: { id: string }): ReactNode {
  const { data } = useRelated(id)
  const groups = useMemo(() => (data ? tieGroups(data) : []), [data])
  useTwins(useMemo(() => groups.slice(0, MOST).flatMap((group) => group.ties.slice(0, 1).map((tie) => tie.other)), [groups]))
  if (groups.length === 0) return null
  return (
    <Section title={t('inspector.relationships')}>
      {groups.slice(0, MOST).map(({ out, name, ties }) => {
        const Icon = out ? OutIcon : InIcon
        return (
          <div key={`${out}${name}`} className="in-tie">
            <span className="in-tie-name mono cut"><Icon size={12} aria-label={out ? t('inspector.outgoing') : t('inspector.incoming')} />{name}</span>
            <TwinChip id={ties[0]?.other ?? ''} plain />
            <span className="grow" />
            {ties.length > 1 && <span className="hint num">{`+${ties.length - 1}`}</span>}
          </div>
        )
      })}
    </Section>
  )
}
