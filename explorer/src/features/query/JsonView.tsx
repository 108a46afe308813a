import { type ReactNode, useMemo } from 'react'
import { JSON_LANGUAGE } from '@/parts/editor/languages'
import { Editor } from '@/parts/editor/Editor'
import { t } from '@/text/text'
import type { ResultRow } from './columns'
import { toJson } from './export'

const MOST_ROWS = 1000

/** The rows as text; of very many the first. */
export function JsonView({ rows }: { rows: readonly ResultRow[] }): ReactNode {
  const text = useMemo(() => toJson(rows.slice(0, MOST_ROWS)), [rows])
  return (
    <div className="query-json column grow">
      {rows.length > MOST_ROWS && <p className="notice">{t('query.json-cut', { n: MOST_ROWS, all: rows.length })}</p>}
      <Editor label={t('query.json-label')} value={text} language={JSON_LANGUAGE} readOnly testId="query.json" />
    </div>
  )
}
