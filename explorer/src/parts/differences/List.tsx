import './differences.css'
import { type ReactNode, useMemo } from 'react'
import { useModels } from '@/state/graph'
import { TwinName } from '@/parts/TwinName'
import { useTwins } from '@/parts/twins'
import { joinPath, showValue } from '@/parts/values/show'
import { t } from '@/text/text'
import { ModelsIcon, RelationshipIcon } from '@/ui/icons'
import { type Column, Table } from '@/ui/table'
import { type Difference, keyOf, type What } from './read'

const SIGNS: Readonly<Record<What, string>> = { added: '+', removed: '−', changed: '~' }
const MOST_NAMED = 300

/** Differences in rows: what came, went and changed, with its values. */
export function DifferenceList({ list, chosen, onChoose, testId }: { list: readonly Difference[]; chosen?: string | undefined; onChoose?: (difference: Difference) => void; testId: string }): ReactNode {
  const models = useModels()
  useTwins(useMemo(() => list.filter((each) => each.kind === 'twin' && each.what !== 'removed').slice(0, MOST_NAMED).map((each) => each.id), [list]))
  const name = (each: Difference): ReactNode => {
    if (each.kind === 'twin') return <span className="row"><TwinName id={each.id} /></span>
    return <span className="row"><span className="difference-icon">{each.kind === 'model' ? <ModelsIcon size={12} aria-hidden /> : <RelationshipIcon size={12} aria-hidden />}</span><span className="cut">{each.kind === 'model' ? models.name(each.id) : keyOf(each)}</span></span>
  }
  const columns: readonly Column<Difference>[] = [
    { key: 'what', title: t('differences.what'), width: 110, cell: (each) => <span className={`difference ${each.what}`}><span aria-hidden className="difference-sign">{SIGNS[each.what]}</span>{t(`differences.${each.what}`)}</span> },
    { key: 'id', title: t('differences.of'), width: 260, cell: name },
    { key: 'changes', title: t('differences.values'), width: 360, cell: (each) => <Changes difference={each} /> },
  ]
  return <Table label={t('differences.title')} columns={columns} rows={list} keyOf={(each) => `${each.kind} ${keyOf(each)}`} chosen={chosen === undefined ? undefined : list.filter((each) => keyOf(each) === chosen).map((each) => `${each.kind} ${keyOf(each)}`)[0]} {...(onChoose && { onChoose })} testId={testId} />
}

function Changes({ difference }: { difference: Difference }): ReactNode {
  if (difference.what !== 'changed') return null
  if (difference.changes.length === 0) return <span className="hint">{difference.kind === 'model' ? '' : t('differences.times')}</span>
  const text = difference.changes.map((each) => `${joinPath(each.path)}  ${each.before === undefined ? '' : showValue(each.before)} → ${each.after === undefined ? t('values.unset') : showValue(each.after)}`).join('\n')
  return (
    <span className="row difference-values" title={text}>
      {difference.changes.slice(0, 3).map((each) => (
        <span key={joinPath(each.path)} className="cut"><span className="mono secondary">{joinPath(each.path)}</span> {each.before !== undefined && <span className="difference removed">{showValue(each.before)}</span>} → <span className="difference added">{each.after === undefined ? t('values.unset') : showValue(each.after)}</span></span>
      ))}
      {difference.changes.length > 3 && <span className="hint">+{difference.changes.length - 3}</span>}
    </span>
  )
}
