import { useQueryClient } from '@tanstack/react-query'
import { type ReactNode, useEffect, useMemo, useRef, useState } from 'react'
import { asApiError } from '@/api/errors'
import { useSession } from '@/api/session'
import { useGraph } from '@/state/graph'
import { currentPlace, useGoing } from '@/state/url'
import { formatNumber, t } from '@/text/text'
import { Button } from '@/ui/button'
import { CheckIcon, GraphIcon, ImportIcon } from '@/ui/icons'
import { toast } from '@/ui/toasts'
import type { Graph } from './graph'
import { beginImport, hasEnded, useImportJob, useReport } from './jobs'
import { Preview } from './Preview'
import { CancelButton, Progress, Tiles } from './Progress'
import { Reported, Unread } from './Report'
import { type Brought, useBrought } from './useBrought'

interface CheckProps {
  readonly name: string
  readonly body: Blob | string
  readonly graph: Graph | undefined
  /** By line of the body: where it came from. */
  readonly origins: ReadonlyMap<number, string> | undefined
}

/** Check without changing anything, then run; both say what became of each line. */
export function Check({ name, body, graph, origins }: CheckProps): ReactNode {
  const { name: open } = useGraph()
  const client = useQueryClient()
  const going = useGoing()
  const [check, setCheck] = useState<string>()
  const [run, setRun] = useState<string>()
  const [sending, setSending] = useState(false)
  const isThere = useRef(false)
  useEffect(() => {
    isThere.current = true
    return () => { isThere.current = false }
  }, [])
  const id = run ?? check
  const job = useImportJob(id)
  const ended = hasEnded(job.data)
  const report = useReport(id, ended)
  const brought = useBrought(body, graph)
  const refused = useMemo(() => (report.data ?? []).flatMap((row) => (row.kind === 'Error' && row.line !== undefined ? [row.line] : [])), [report.data])
  const begin = async (dryRun: boolean): Promise<void> => {
    setSending(true)
    const { ends } = useSession.getState()
    try {
      const begun = await beginImport(open, body, dryRun)
      if (dryRun) { setRun(undefined); setCheck(begun) } else {
        setRun(begun)
        // Whoever comes back to the address finds the job again; who went elsewhere meanwhile stays there.
        const show = (): void => { going.go({ graph: open, screen: 'io', rest: ['import', begun] }) }
        if (isThere.current && isAtImports(open)) show()
        else if (useSession.getState().ends === ends) toast({ text: t('io.runs', { name }), act: { text: t('io.see-run'), run: show } })
      }
    } catch (error) {
      toast({ kind: 'error', text: asApiError(error).message })
    } finally {
      setSending(false)
    }
  }
  useEffect(() => {
    if (run !== undefined && ended) void client.invalidateQueries({ queryKey: [open] })
  }, [run, ended, client, open])
  const busy = sending || (id !== undefined && !ended)
  const state = run !== undefined ? (ended ? 'done' : 'running') : check !== undefined ? (ended ? 'checked' : 'checking') : 'read'
  return (
    <section className="card io-check" aria-label={name} data-testid="io.check" data-state={state}>
      <Counted brought={brought} />
      <Unread faults={graph?.faults ?? []} name={name} />
      <div className="row">
        <Button icon={CheckIcon} disabled={busy} onClick={() => { void begin(true) }} data-testid="io.check-button">{t('io.check')}</Button>
        <Button look="main" icon={ImportIcon} disabled={busy || (run !== undefined && ended)} onClick={() => { void begin(false) }} data-testid="io.run">{t('io.run')}</Button>
        {sending && <span className="secondary" role="status">{t('io.sending')}</span>}
        {id !== undefined && !ended && <CancelButton id={id} />}
        {run !== undefined && ended && <Button icon={GraphIcon} onClick={() => { going.go({ screen: 'graph', parameters: {} }) }}>{t('io.see')}</Button>}
      </div>
      {job.data && <Progress job={job.data} isRun={run !== undefined} />}
      {job.data?.counts && <Tiles counts={job.data.counts} newModels={newModels(brought)} isRun={run !== undefined} />}
      {report.data && <Reported rows={report.data} origins={origins} name={name} />}
      <Preview brought={brought} refused={refused} />
    </section>
  )
}

function isAtImports(graph: string): boolean {
  const now = currentPlace()
  return now.screen === 'io' && now.graph === graph
}

function Counted({ brought: { contents, isUnread } }: { brought: Brought }): ReactNode {
  if (isUnread) return <p className="secondary">{t('io.packed')}</p>
  return (
    <p className="io-counts num">
      {(['models', 'twins', 'relationships'] as const).map((each) => <span key={each}><b data-testid={`io.count.${each}`}>{contents ? formatNumber(contents.counts[each]) : '…'}</b> {t(`io.${each}`)}</span>)}
      {contents?.partly === true && <span className="secondary">{t('io.partly')}</span>}
    </p>
  )
}

/** Models of the file that the graph had not before; undefined where the file was not read to its models' end. */
function newModels({ contents, there }: Brought): number | undefined {
  return contents && there && contents.definitions.length === contents.counts.models ? there.newModels : undefined
}
