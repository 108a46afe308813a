/** The other ways to look at a result: as JSON, and as what is in it for the graph. */
import { type ReactNode, useMemo } from 'react'
import { Link } from 'wouter'
import { JSON_LANGUAGE } from '@/parts/editor/languages'
import { Editor } from '@/parts/editor/Editor'
import { t } from '@/text/text'
import { GraphIcon } from '@/ui/icons'
import { Empty } from '@/ui/states'
import { namedIn, type ResultColumn, type ResultRow } from './columns'
import { toJson } from './export'

const MOST_ROWS = 1000

export function JsonView({ rows }: { rows: readonly ResultRow[] }): ReactNode {
  const text = useMemo(() => toJson(rows.slice(0, MOST_ROWS)), [rows])
  return (
    <div className="query-json column grow">
      {rows.length > MOST_ROWS && <p className="notice">{t('query.json-cut', { n: MOST_ROWS, all: rows.length })}</p>}
      <Editor label={t('query.json-label')} value={text} language={JSON_LANGUAGE} readOnly testId="query.json" />
    </div>
  )
}

/** What the rows name, and the way to it on the graph. */
export function GraphResult({ rows, columns, href }: { rows: readonly ResultRow[]; columns: readonly ResultColumn[]; href: string }): ReactNode {
  const named = useMemo(() => namedIn(rows, columns), [rows, columns])
  if (named.twins.size === 0) return <Empty text={t('query.graph-none')} testId="query.graph" />
  const text = named.relationships.size > 0 ? t('query.graph-both', { twins: t('frame.twins', { n: named.twins.size }), relationships: t('frame.relationships', { n: named.relationships.size }) }) : t('query.graph-twins', { twins: t('frame.twins', { n: named.twins.size }) })
  return <Empty text={text} testId="query.graph" action={<Link href={href} className="button main"><GraphIcon size={14} aria-hidden />{t('query.graph-open')}</Link>} />
}
