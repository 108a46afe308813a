import { useQueryClient } from '@tanstack/react-query'
import type { ReactNode } from 'react'
import { asApiError } from '@/api/errors'
import { path, send } from '@/api/http'
import type { Models } from '@/dtdl/models'
import { useGraph } from '@/state/graph'
import { useGoing } from '@/state/url'
import { t } from '@/text/text'
import { Confirm } from '@/ui/dialog'
import { toast } from '@/ui/toasts'
import { useCounts } from './data'
import { usesOf } from './Used'

export type ModelAct = 'decommission' | 'delete'

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
      else await send(name, { method: 'PATCH', path: path('/models/{id}', { id }), body: [{ op: 'replace', path: '/decommissioned', value: true }] })
      await client.invalidateQueries({ queryKey: [name, 'models'] })
      toast({ text: t(act === 'delete' ? 'models.deleted' : 'models.now-decommissioned', { name: models.name(id) }) })
      if (act === 'delete') going.go({ screen: 'models' })
    } catch (error) {
      toast({ kind: 'error', text: asApiError(error).message })
    }
  }
  const listed = [['heirs', uses.heirs], ['holders', uses.holders], ['targets', uses.targets]] as const
  return (
    <Confirm open title={t(`models.${act}-title`, { name: models.name(id) })} text={t(`models.${act}-text`)} act={t(`models.${act}`)} onClose={onClose} onConfirm={() => { void run() }} {...(act === 'delete' && twins > 0 && { typed: models.name(id) })}>
      <ul className="models-stands">
        <li className="num">{t('models.n-twins', { n: twins })}</li>
        {listed.filter(([, ids]) => ids.length > 0).map(([kind, ids]) => <li key={kind}>{t(`models.${kind}`)}: {ids.map((each) => models.name(each)).join(', ')}</li>)}
      </ul>
    </Confirm>
  )
}
