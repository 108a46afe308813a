import { useQuery } from '@tanstack/react-query'
import { type ReactNode, useMemo, useState } from 'react'
import { type ApiError, asApiError } from '@/api/errors'
import { useGraph } from '@/state/graph'
import { formatSelection, selectionOf, useGoing } from '@/state/url'
import { t } from '@/text/text'
import { Confirm } from '@/ui/dialog'
import { InIcon, OutIcon } from '@/ui/icons'
import { Failed, Waiting } from '@/ui/states'
import { deleteDoomed, readDoomed } from './deleting'
import { parseSubject } from './subject'
import { useTwins } from './twins'
import { labelOf } from './values/show'

const SHOWN = 100
/** From so many on, the number has to be typed. */
const TYPED_FROM = 3

/** Ask before twins go: what goes with them is listed (design 5.4). */
export default function DeleteTwins({ ids, onClose }: { ids: readonly string[]; onClose: () => void }): ReactNode {
  const { name, twins } = useGraph()
  const { place, step } = useGoing()
  const [error, setError] = useState<ApiError>()
  const doomed = useQuery({ queryKey: [name, 'doomed', ids.join('\n')], gcTime: 0, staleTime: 0, retry: false, queryFn: ({ signal }) => readDoomed(name, ids, signal) })
  const ends = useMemo(() => (doomed.data?.relationships ?? []).slice(0, SHOWN), [doomed.data])
  useTwins(useMemo(() => ends.flatMap((each) => [each.$sourceId, each.$targetId]), [ends]))
  const first = doomed.data?.twins[0]
  const confirm = async (): Promise<void> => {
    if (!doomed.data) return
    try {
      await deleteDoomed(name, doomed.data)
      const gone = new Set(ids)
      step({ sel: formatSelection(selectionOf(place.parameters).filter((each) => { const subject = parseSubject(each); return !gone.has(subject.kind === 'twin' ? subject.id : subject.source) })) })
      onClose()
    } catch (thrown) {
      setError(asApiError(thrown))
    }
  }
  const title = ids.length === 1 ? t('inspector.delete-one', { name: first ? labelOf(first) : ids[0] ?? '' }) : t('inspector.delete-many', { n: ids.length })
  return (
    <Confirm open title={title} text={t('inspector.delete-text')} act={t('inspector.delete')} {...(ids.length >= TYPED_FROM && { typed: String(ids.length) })} onClose={onClose} onConfirm={() => { void confirm() }}>
      {doomed.isPending && <Waiting rows={4} rowHeight={28} what={t('inspector.relationships')} />}
      {doomed.error && <Failed compact error={asApiError(doomed.error)} />}
      {error && <Failed compact error={error} />}
      {doomed.data && <p className="secondary" data-testid="delete-twins.count">{t('inspector.goes-first', { n: doomed.data.relationships.length })}</p>}
      <ul className="write-list">
        {ends.map((each) => {
          const out = ids.includes(each.$sourceId)
          const id = out ? each.$targetId : each.$sourceId
          const known = twins.get(id)
          const Icon = out ? OutIcon : InIcon
          return <li key={`${each.$sourceId}/${each.$relationshipId}`}><Icon size={12} aria-label={out ? t('inspector.outgoing') : t('inspector.incoming')} /><span className="mono">{each.$relationshipName}</span><span className="cut grow">{known ? labelOf(known.twin) : id}</span></li>
        })}
      </ul>
      {doomed.data && doomed.data.relationships.length > SHOWN && <p className="hint">{t('inspector.show-more', { n: doomed.data.relationships.length - SHOWN })}</p>}
    </Confirm>
  )
}
