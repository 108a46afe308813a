import type { ReactNode } from 'react'
import { writeJson } from '@/api/json'
import { useMay } from '@/state/graph'
import type { SeenEvent } from '@/state/live'
import { useGoing } from '@/state/url'
import { t } from '@/text/text'
import { Button, IconButton } from '@/ui/button'
import { copyText } from '@/ui/copy'
import { CloseIcon, CopyIcon, FilterIcon, RouteIcon } from '@/ui/icons'
import { filterOf } from './say'

/** One event as the CloudEvent that it is. */
export function Details({ seen, onClose }: { seen: SeenEvent; onClose: () => void }): ReactNode {
  const going = useGoing()
  const may = useMay()
  const text = writeJson(seen.event, 2)
  const filter = filterOf(seen.event)
  return (
    <section className="live-details" aria-label={t('live.event')} data-testid="live.details">
      <div className="row">
        <code className="grow cut">{seen.event.type}</code>
        <Button icon={FilterIcon} onClick={() => { going.adjust({ f: filter }) }}>{t('live.filter-this')}</Button>
        {may('eventroutes/write') && <Button icon={RouteIcon} onClick={() => { going.go({ screen: 'operate', rest: ['routes'], parameters: { f: filter } }) }}>{t('live.route-this')}</Button>}
        <IconButton icon={CopyIcon} label={t('live.copy')} onClick={() => { void copyText(text) }} />
        <IconButton icon={CloseIcon} label={t('ui.close')} onClick={onClose} />
      </div>
      <pre className="scroll" tabIndex={0}>{text}</pre>
    </section>
  )
}
