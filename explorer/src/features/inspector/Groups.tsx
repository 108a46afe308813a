import type { ReactNode } from 'react'
import type { JsonObject } from '@/api/json'
import { t } from '@/text/text'
import { useEditing } from '@/parts/editors/editing'
import { ValueRow } from '@/parts/editors/ValueRow'
import { valueAt } from '@/parts/values/patch'
import { Section } from './Section'
import { type Group, type Row, writtenAt } from '@/parts/values/rows'

function Rows({ rows, document }: { rows: readonly Row[]; document: JsonObject }): ReactNode {
  return rows.map((row) => {
    const written = writtenAt(document, row.path)
    return <ValueRow key={row.path.join('.')} {...row} value={valueAt(document, row.path)} note={written && t('inspector.written', { time: written })} />
  })
}

export function Groups({ groups, document }: { groups: readonly Group[]; document: JsonObject }): ReactNode {
  const { isEdited } = useEditing()
  return groups.map((group) => {
    if (group.kind === 'component') {
      return (
        <Section key={group.key} title={group.title} note={t('inspector.component')} dirty={isEdited(group.path)} testId={`inspector.group.${group.path.join('.')}`}>
          <Rows rows={group.rows} document={document} />
          {group.groups.length > 0 && <div className="in-inner"><Groups groups={group.groups} document={document} /></div>}
        </Section>
      )
    }
    return (
      <Section key={group.key} title={group.kind === 'own' ? t('inspector.values') : t('inspector.from', { model: group.title })}>
        <Rows rows={group.rows} document={document} />
      </Section>
    )
  })
}
