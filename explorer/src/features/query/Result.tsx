import { type ReactNode, useCallback, useMemo } from 'react'
import { asApiError } from '@/api/errors'
import { type Command, useCommands } from '@/commands/registry'
import { useGraph } from '@/state/graph'
import { orderOf } from '@/lang/query'
import { formatSelection, selectionOf, useGoing } from '@/state/url'
import { t } from '@/text/text'
import { Button } from '@/ui/button'
import { GraphIcon, OpenIcon, RetryIcon } from '@/ui/icons'
import { Empty, Failed, Waiting } from '@/ui/states'
import { toast } from '@/ui/toasts'
import { saveBlob } from '@/ui/download'
import { columnsOf, namedIn, type ResultColumn, type ResultRow, twinOf } from './columns'
import { EXAMPLES, withoutComment } from './examples'
import { build, explain, useExplains } from './explains'
import { ExplainView } from './ExplainView'
import { toCsv } from './export'
import { GraphResult } from './GraphResult'
import { JsonView } from './JsonView'
import { useLives } from './live'
import { ResultBar } from './ResultBar'
import { ResultTable } from './ResultTable'
import { all, more, type Run, useRuns } from './runs'
import type { QueryScreen } from './useQueryScreen'
import { useTable } from './useTable'

const NO_ROWS: readonly ResultRow[] = []
const MOST_EXPORTED = 100_000

/** Fetch what is left, and hand all of it to the browser. */
async function exportCsv(tab: string, columns: readonly ResultColumn[]): Promise<void> {
  // Rows that are on their way may have other columns than those that are shown.
  const isComing = useRuns.getState().byTab[tab]?.state === 'running'
  const run = await all(tab, MOST_EXPORTED)
  if (!run) return
  if (run.error && (run.isStale || run.token !== null)) throw run.error
  if (run.isStale) return
  saveBlob(toCsv(run.rows, isComing ? columnsOf(run.rows, run.selected) : columns), 'rows.csv', 'text/csv;charset=utf-8')
  if (run.token !== null) toast({ kind: 'error', text: t('query.csv-cut', { n: MOST_EXPORTED }) })
}

/** What came: the bar above, and the rows in the form that is wanted. */
export function Result({ screen }: { screen: QueryScreen }): ReactNode {
  const { id } = screen.tab
  const run = useRuns((state) => state.byTab[id])
  const live = useLives((state) => state.byTab[id])
  const rows = live?.rows ?? run?.rows ?? NO_ROWS
  const selected = live ? live.selected : run?.selected
  const columns = useMemo(() => columnsOf(rows, selected), [rows, selected])
  const text = live?.text ?? run?.statement.text ?? ''
  const given = useMemo(() => ({ sort: orderOf(text, selected), isDone: !live }), [text, selected, live === undefined])
  const table = useTable(columns, rows, given)
  const { filtering, setFiltering } = table
  const commands = useMemo((): Command[] => [{ id: 'query.filter', group: t('screens.query'), text: t('query.filter'), keys: ['/'], run: () => { setFiltering(!filtering) } }], [filtering, setFiltering])
  useCommands(commands)
  return (
    <>
      <ResultBar
        screen={screen} run={run} live={live} shown={table.rows.length} filtering={table.filtering} onFilter={() => { table.setFiltering(!table.filtering) }}
        onCsv={() => {
          if (live) saveBlob(toCsv(table.rows, table.columns), 'rows.csv', 'text/csv;charset=utf-8')
          else exportCsv(id, table.columns).catch((error: unknown) => { toast({ kind: 'error', text: asApiError(error).message }) })
        }}
      />
      {table.isSorted && run && !live && run.token !== null && screen.view === 'table' && <p className="notice">{t('query.sorted-part', { n: rows.length })}<Button look="quiet" onClick={() => { void all(id, MOST_EXPORTED) }}>{t('query.load-all')}</Button></p>}
      {run && !live && rows.length > 0 && (run.error ?? (run.isStale && run.state === 'cancelled')) && (
        <p className="notice" role="status" data-testid="query.stale">
          <span className="grow">{run.state === 'cancelled' ? t('query.stale-cancelled') : run.isStale || !run.error ? t('query.stale') : run.error.message}</span>
          <Button look="quiet" icon={RetryIcon} onClick={() => { if (run.state === 'done') void more(id); else screen.run() }}>{t('ui.retry')}</Button>
        </p>
      )}
      <div className="query-result">
        <ResultBody screen={screen} run={run} rows={rows} columns={columns} table={table} />
      </div>
    </>
  )
}

interface BodyProps {
  readonly screen: QueryScreen
  readonly run: Run | undefined
  readonly rows: readonly ResultRow[]
  readonly columns: readonly ResultColumn[]
  readonly table: ReturnType<typeof useTable>
}

function ResultBody({ screen, run, rows, columns, table }: BodyProps): ReactNode {
  const { name: graph, at } = useGraph()
  const going = useGoing()
  const { id } = screen.tab
  const live = useLives((state) => state.byTab[id])
  const explaining = useExplains((state) => state.byTab[id])
  const asked = { graph, at, parameters: screen.parameters }
  const [selected] = selectionOf(going.place.parameters)
  const chosen = useMemo(() => (selected === undefined ? undefined : rows.find((row) => twinOf(row.value, columns) === selected)?.key), [rows, columns, selected])
  const onEnd = useCallback(() => { if (!live) void more(id) }, [id, live])
  const graphHref = going.href({ screen: 'graph', parameters: { q: screen.statement.text, ...(at !== undefined && { at }) } })

  if (screen.view === 'explain') return <ExplainView explaining={explaining} text={screen.statement.text} onBuild={(property) => { void build(id, property, asked) }} onRetry={() => { void explain(id, screen.statement.text, asked) }} />
  if (run?.state === 'running' && rows.length === 0) return <Waiting what={t('query.what-rows')} rows={12} onCancel={screen.cancel} />
  if (live?.error && live.state === 'ended' && live.error.details[0]?.line === undefined) return <Failed error={live.error} onRetry={() => { screen.setLive(true) }} />
  if (run?.error && run.error.details[0]?.line === undefined && !live && rows.length === 0) return <Failed error={run.error} onRetry={screen.run} />
  if (!run && !live) return <Start screen={screen} />
  if (rows.length === 0) return <Empty text={t(run?.error ? 'query.mend' : live?.state === 'connecting' ? 'query.live-connecting' : 'query.no-rows')} testId="query.empty" />
  if (screen.view === 'json') return <JsonView rows={rows} />
  if (screen.view === 'graph') return <GraphResult rows={rows} columns={columns} href={graphHref} more={!live && run?.token !== null && run !== undefined} onAll={() => { void all(id, MOST_EXPORTED) }} />
  return (
    <ResultTable
      table={table} chosen={chosen} onEnd={onEnd} hrefOf={(twin) => going.href({ screen: 'twins', rest: [twin] })}
      onChoose={(row) => { const twin = twinOf(row.value, columns); if (twin !== undefined) going.step({ sel: formatSelection([twin]) }) }}
      onOpen={(row) => { const twin = twinOf(row.value, columns); if (twin !== undefined) going.go({ screen: 'twins', rest: [twin] }) }}
      acts={(row) => {
        const twin = twinOf(row.value, columns)
        const twins = [...namedIn([row], columns).twins]
        return twin === undefined ? [] : [
          { text: t('query.open-twin'), icon: OpenIcon, run: () => { going.go({ screen: 'twins', rest: [twin] }) } },
          { text: t('query.on-graph'), icon: GraphIcon, run: () => { const sel = formatSelection(twins); going.go({ screen: 'graph', parameters: sel === undefined ? {} : { sel } }) } },
        ]
      }}
    />
  )
}

/** Before anything was asked: what one can ask. */
function Start({ screen }: { screen: QueryScreen }): ReactNode {
  if (screen.tab.text.trim() !== '') return <Empty text={t('query.ready')} testId="query.ready" />
  return (
    <div className="query-start scroll" data-testid="query.start">
      <h2>{t('query.start')}</h2>
      <ul>
        {EXAMPLES.map((example) => (
          <li key={example.text}>
            <button type="button" className="query-example" onClick={() => { screen.runText(example.text) }}>
              <span className="query-example-name">{t(example.name)}</span>
              <code className="query-example-text">{withoutComment(example.text)}</code>
            </button>
          </li>
        ))}
      </ul>
    </div>
  )
}
