import { useQueryClient } from '@tanstack/react-query'
import type { ReactNode } from 'react'
import { Link } from 'wouter'
import { asApiError } from '@/api/errors'
import { path, send } from '@/api/http'
import type { Models } from '@/dtdl/models'
import { useGraph } from '@/state/graph'
import { lookOf } from '@/state/looks'
import { useGoing } from '@/state/url'
import { t } from '@/text/text'
import { Button } from '@/ui/button'
import { Confirm, Dialog } from '@/ui/dialog'
import { MarkIcon } from '@/ui/mark'
import { toast } from '@/ui/toasts'
import { useCounts } from './data'
import { useQueriesNaming } from './naming'
import { type Uses, usesOf } from './Used'

export type ModelAct = 'decommission' | 'recommission' | 'delete'

const DONE = { decommission: 'models.now-decommissioned', recommission: 'models.now-in-service', delete: 'models.deleted' } as const

/** Decommissioning and deleting say first what stands in the way and whom it concerns. */
export function ActDialog({ act, models, id, onClose }: { act: ModelAct; models: Models; id: string; onClose: () => void }): ReactNode {
  const { name } = useGraph()
  const going = useGoing()
  const client = useQueryClient()
  const counts = useCounts()
  const uses = usesOf(models, id)
  const twins = counts.data?.own.get(id) ?? 0
  const run = async (): Promise<void> => {
    onClose()
    try {
      if (act === 'delete') await send(name, { method: 'DELETE', path: path('/models/{id}', { id }) })
      else await send(name, { method: 'PATCH', path: path('/models/{id}', { id }), body: [{ op: 'replace', path: '/decommissioned', value: act === 'decommission' }] })
      await client.invalidateQueries({ queryKey: [name, 'models'] })
      toast({ text: t(DONE[act], { name: models.name(id) }) })
      if (act === 'delete') going.go({ screen: 'models' })
    } catch (error) {
      toast({ kind: 'error', text: asApiError(error).message })
    }
  }
  const title = t(`models.${act}-title`, { name: models.name(id) })
  const concerned = <Concerned models={models} id={id} twins={twins} uses={uses} />
  if (act === 'delete' && uses.heirs.length + uses.holders.length > 0) {
    return <Dialog open title={title} description={t('models.needed', { name: models.name(id) })} onClose={onClose} testId="models.needed" foot={<Button onClick={onClose}>{t('ui.close')}</Button>}>{concerned}</Dialog>
  }
  return <Confirm open title={title} text={t(`models.${act}-text`)} act={t(`models.${act}`)} onClose={onClose} onConfirm={() => { void run() }} {...(act === 'delete' && twins > 0 && { typed: models.name(id) })}>{concerned}</Confirm>
}

/** Twins of a model, models that need it, saved queries that name it: each leads there. */
function Concerned({ models, id, twins, uses }: { models: Models; id: string; twins: number; uses: Uses }): ReactNode {
  const going = useGoing()
  const naming = useQueriesNaming(id)
  const listed = [['heirs', uses.heirs], ['holders', uses.holders], ['targets', uses.targets]] as const
  return (
    <ul className="models-stands" data-testid="models.concerned">
      <li className="num">{twins > 0 ? <Link href={going.href({ screen: 'query', parameters: { q: `SELECT * FROM DIGITALTWINS T WHERE T.$metadata.$model = '${id}'` } })}>{t('models.n-twins', { n: twins })}</Link> : t('models.n-twins', { n: twins })}</li>
      {listed.filter(([, ids]) => ids.length > 0).map(([kind, ids]) => (
        <li key={kind}>{t(`models.${kind}`)} {ids.map((each) => <Link key={each} href={going.href({ screen: 'models', rest: [each] })} className="chip"><MarkIcon look={lookOf(models, each)} /><span className="cut">{models.name(each)}</span></Link>)}</li>
      ))}
      {naming.data && naming.data.length > 0 && <li>{t('models.named-in')} {naming.data.map((each) => <Link key={each.name} href={going.href({ screen: 'query', parameters: { q: each.text } })} className="chip"><span className="cut">{each.name}</span></Link>)}</li>}
    </ul>
  )
}
