import { memo, type ReactNode } from 'react'
import { Link } from 'wouter'
import { ExactNumber, isObject, type Json, writeJson } from '@/api/json'
import type { Models } from '@/dtdl/models'
import { lookOf } from '@/state/looks'
import { isTwin, modelOf } from '@/state/twins'
import { t } from '@/text/text'
import { MarkIcon } from '@/ui/mark'
import { Popover } from '@/ui/menu'
import { isPath, isRelationship, numberOf, type ResultColumn, shown } from './columns'

interface CellProps {
  readonly column: ResultColumn
  readonly value: Json | undefined
  readonly models: Models
  /** Address of a twin's page. */
  readonly hrefOf: (id: string) => string
  /** The smallest and the largest value, where the column has bars. */
  readonly range: readonly [number, number] | undefined
}

const BAR = 56
const LONGEST = 300
const MOST_OF_PATH = 7

/** One value of a result, by what it is. */
export const Cell = memo(function Cell({ column, value, models, hrefOf, range }: CellProps): ReactNode {
  if (value === undefined) return null
  if (value === null) return <span className="query-null">{'null'}</span>
  if (column.kind === 'id' && typeof value === 'string') return <Link href={hrefOf(value)} className="mono" onClick={(event) => { event.stopPropagation() }}>{value}</Link>
  if (column.kind === 'model' && typeof value === 'string') return <span className="query-model" title={value}><MarkIcon look={lookOf(models, value)} /><span className="cut">{models.name(value)}</span></span>
  if (isTwin(value)) return <TwinChip value={value} models={models} hrefOf={hrefOf} />
  if (isRelationship(value)) return <RelationshipChip value={value} />
  if (typeof value === 'boolean') return <span className={value ? 'query-yes' : 'query-no'}>{t(value ? 'query.yes' : 'query.no')}</span>
  if ((typeof value === 'number' || value instanceof ExactNumber)) return <NumberCell text={shown(value, 'number', column.digits)} value={numberOf(value)} range={range} />
  if (typeof value === 'string') return <span title={value.length > 40 ? value.slice(0, LONGEST) : undefined}>{value.slice(0, LONGEST)}</span>
  if (isPath(value)) return <PathCell value={value} models={models} hrefOf={hrefOf} />
  return <ObjectCell value={value} />
})

/** A path, or a list of twins and relationships: one after the other, the rest behind a click. */
function PathCell({ value, models, hrefOf }: { value: readonly Json[]; models: Models; hrefOf: (id: string) => string }): ReactNode {
  return (
    <span className="query-path">
      {value.slice(0, MOST_OF_PATH).map((each, index) => {
        if (isTwin(each)) return <TwinChip key={index} value={each} models={models} hrefOf={hrefOf} />
        // Without twins around it says itself what it joins.
        if (!isTwin(value[index - 1]) && !isTwin(value[index + 1])) return <RelationshipChip key={index} value={each} />
        const name = isRelationship(each) && typeof each['$relationshipName'] === 'string' ? each['$relationshipName'] : ''
        const before = value[index - 1]
        // Against its direction it is walked from its target.
        const back = isRelationship(each) && isTwin(before) && before.$dtId === each['$targetId'] && before.$dtId !== each['$sourceId']
        return <span key={index} className="query-relationship"><span className="mono">{back ? `← ${name}` : `${name} →`}</span></span>
      })}
      <ObjectCell value={value} short={value.length > MOST_OF_PATH ? `+${value.length - MOST_OF_PATH}` : '…'} />
    </span>
  )
}

function NumberCell({ text, value, range }: { text: string; value: number; range: readonly [number, number] | undefined }): ReactNode {
  if (!range) return text
  const [low, high] = range
  const share = high > low ? (value - low) / (high - low) : 1
  return <span className="query-bar-cell"><span>{text}</span><span className="query-bar-ground" aria-hidden><span className="query-value-bar" style={{ width: Math.max(2, share * BAR) }} /></span></span>
}

function TwinChip({ value, models, hrefOf }: { value: Extract<Json, object> & { readonly $dtId: string; readonly $metadata: Parameters<typeof modelOf>[0]['$metadata'] }; models: Models; hrefOf: (id: string) => string }): ReactNode {
  if (!isTwin(value)) return null
  const name = ['name', 'displayName', 'label', 'title'].map((key) => value[key]).find((each) => typeof each === 'string' && each !== '')
  return (
    <Link href={hrefOf(value.$dtId)} className="chip query-chip" title={models.name(modelOf(value))} onClick={(event) => { event.stopPropagation() }}>
      <MarkIcon look={lookOf(models, modelOf(value))} />
      <span className="cut">{typeof name === 'string' ? name : value.$dtId}</span>
      {typeof name === 'string' && <span className="hint mono cut">{value.$dtId}</span>}
    </Link>
  )
}

function RelationshipChip({ value }: { value: Json }): ReactNode {
  if (!isRelationship(value)) return null
  const text = (key: string): string => { const found = value[key]; return typeof found === 'string' ? found : '' }
  return <span className="query-relationship" title={text('$relationshipId')}><span className="mono">{text('$relationshipName')}</span><span className="hint mono cut">{`${text('$sourceId')} → ${text('$targetId')}`}</span></span>
}

function ObjectCell({ value, short }: { value: Json; short?: string }): ReactNode {
  const label = Array.isArray(value) ? t('query.array', { n: value.length }) : t('query.object', { n: isObject(value) ? Object.keys(value).length : 0 })
  return (
    <Popover label={label} trigger={<button type="button" className="query-object mono cut" onClick={(event) => { event.stopPropagation() }}>{short ?? writeJson(value).slice(0, LONGEST)}</button>}>
      <pre className="query-pretty mono" tabIndex={0}>{writeJson(value, 2).slice(0, 20_000)}</pre>
    </Popover>
  )
}
