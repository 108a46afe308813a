import type { ReactNode } from 'react'
import { formatNumber, t } from '@/text/text'
import { Button } from '@/ui/button'
import { Dialog } from '@/ui/dialog'
import { InIcon, OutIcon } from '@/ui/icons'
import { FEW, namesIn, newTwins } from './expand'
import type { Actions } from './useActions'

/** More neighbours than one wants by accident: which of them? */
export function ExpandQuestion({ actions }: { actions: Actions }): ReactNode {
  const { question } = actions
  if (!question) return null
  const total = newTwins(question.lines).length
  return (
    <Dialog open title={t('graph.expand-title', { n: total })} description={t('graph.expand-text')} onClose={() => { actions.ask(undefined) }} testId="graph.expand" foot={(
      <>
        <Button onClick={() => { void actions.expandBy(question, { most: FEW }) }} data-testid="graph.expand.few">{t('graph.expand-few', { n: FEW })}</Button>
        <Button look="main" onClick={() => { void actions.expandBy(question) }} data-testid="graph.expand.all">{t('graph.expand-all', { n: total })}</Button>
      </>
    )}>
      <ul className="expand-names">
        {namesIn(question).map(({ name, ends, count }) => (
          <li key={`${ends} ${name}`}>
            <button type="button" className="find-row" onClick={() => { void actions.expandBy(question, { name, ends }) }} data-testid={`graph.expand.${name}`}>
              {ends === 'out' ? <OutIcon size={14} aria-hidden /> : <InIcon size={14} aria-hidden />}
              <span className="mono grow cut">{name}</span>
              <span className="num hint">{formatNumber(count)}</span>
            </button>
          </li>
        ))}
      </ul>
    </Dialog>
  )
}
