import { type ReactNode, useState } from 'react'
import { path } from '@/api/http'
import { t } from '@/text/text'
import { Button } from '@/ui/button'
import { CheckIcon, CloseIcon } from '@/ui/icons'
import { type Column, Table } from '@/ui/table'
import { useAct, useList, useOne } from './data'
import { Body, Loading, Part, when } from './Part'
import { visible } from '@/text/visible'
import { linesOf, type Proposal, type ProposalRow } from './proposed'
import type { PartProps } from './Screen'

const EVERY_MS = 3000

/** Writes that wait for somebody's word: what they would change, and yes or no. */
export function Proposals({ id, onOpen }: PartProps): ReactNode {
  const proposals = useList<ProposalRow>('/kastor/v1/proposals', { every: EVERY_MS })
  const columns: readonly Column<ProposalRow>[] = [
    { key: 'by', title: t('operate.proposed-by'), width: 140, cell: (each) => <span className="cut">{visible(each.by)}</span> },
    { key: 'status', title: t('operate.state'), width: 150, cell: (each) => <span className={each.needsApproval && each.status === 'open' ? 'tag warn' : 'tag'}>{t(each.needsApproval && each.status === 'open' ? 'operate.proposal-waits' : `operate.proposal-${each.status}`)}</span> },
    { key: 'count', title: t('operate.proposal-writes'), width: 70, cell: (each) => <span className="num">{each.count}</span> },
    { key: 'reason', title: t('operate.proposal-reason'), width: 420, cell: (each) => <span className="cut" title={visible(each.reason)}>{visible(each.reason)}</span> },
    { key: 'expires', title: t('operate.proposal-until'), width: 180, cell: (each) => when(each.expires) },
  ]
  return (
    <>
      <Part title={t('operate.proposals')} query={proposals} empty={t('operate.no-proposals')}>
        {(rows) => <div className="operate-split"><Table label={t('operate.proposals')} columns={columns} rows={rows} keyOf={(each) => each.id ?? ''} chosen={id} onChoose={(each) => { onOpen(each.id ?? undefined) }} testId="operate.proposals" /></div>}
      </Part>
      {id !== undefined && <Detail key={id} id={id} onClose={() => { onOpen(undefined) }} />}
    </>
  )
}

function Detail({ id, onClose }: { id: string; onClose: () => void }): ReactNode {
  const act = useAct()
  const [busy, setBusy] = useState(false)
  const one = path('/kastor/v1/proposals/{id}', { id })
  const query = useOne<Proposal>(one)
  const decide = (approved: boolean): void => {
    setBusy(true)
    if (approved) void act({ method: 'POST', path: `${one}/approve` }, t('operate.proposal-was-approved')).then(() => { setBusy(false) })
    else {
      onClose() // first, or it would be read once more when it is gone
      void act({ method: 'DELETE', path: one }, t('operate.proposal-was-rejected'))
    }
  }
  const { data } = query
  if (data === undefined) return <Loading query={query} what={t('operate.proposals')} />
  const open = data.status === 'open' || data.status === 'approved'
  return (
    <section className="operate-detail" aria-label={t('operate.proposal')} data-testid="operate.proposal">
      <div className="row operate-detail-head"><h3 className="grow">{visible(data.reason)}</h3>
        {open && data.approvedBy === null && <Button look="main" icon={CheckIcon} disabled={busy} onClick={() => { decide(true) }} data-testid="operate.proposal.approve">{t('operate.approve')}</Button>}
        {open && <Button icon={CloseIcon} disabled={busy} onClick={() => { decide(false) }} data-testid="operate.proposal.reject">{t('operate.reject')}</Button>}</div>
      <p className="hint" data-testid="operate.proposal.state">{data.approvedBy === null ? t('operate.proposal-by', { by: visible(data.by), until: when(data.expires) }) : t('operate.proposal-approved-by', { by: visible(data.by), approver: visible(data.approvedBy), until: when(data.expires) })}</p>
      <Body label={t('operate.proposal-diff')}>
        <table className="operate-table" data-testid="operate.proposal.diff">
          <thead><tr><th>{t('operate.proposal-what')}</th><th>{t('operate.name')}</th><th>{t('operate.proposal-path')}</th><th>{t('operate.proposal-before')}</th><th>{t('operate.proposal-after')}</th></tr></thead>
          <tbody>{linesOf(data.diff).map((each) => <tr key={each.key}><td><span className="tag">{t(`operate.proposal-${each.what}`)}</span></td><td><code>{each.name}</code></td><td><code>{each.path}</code></td><td><code className="operate-claims">{each.before}</code></td><td><code className="operate-claims">{each.after}</code></td></tr>)}</tbody>
        </table>
      </Body>
    </section>
  )
}
