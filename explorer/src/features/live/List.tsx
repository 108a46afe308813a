import { useVirtualizer } from '@tanstack/react-virtual'
import { type ReactNode, useEffect, useRef, useState } from 'react'
import { kindOf, twinOf } from '@/state/eventlog'
import { useGraph, useModels } from '@/state/graph'
import type { SeenEvent } from '@/state/live'
import { lookOf } from '@/state/looks'
import { isTest } from '@/state/url'
import { modelOf } from '@/state/twins'
import { formatTime, t } from '@/text/text'
import { Button } from '@/ui/button'
import { MarkIcon } from '@/ui/mark'
import { Empty } from '@/ui/states'
import { sayChange } from './say'

const ROW = 24
const NEAR = 40

interface ListProps {
  readonly rows: readonly SeenEvent[]
  readonly paused: boolean
  readonly chosen: SeenEvent | undefined
  readonly onChoose: (seen: SeenEvent) => void
  readonly onTwin: (id: string) => void
}

/** The newest at the bottom, followed while one is there. */
export function List({ rows, paused, chosen, onChoose, onTwin }: ListProps): ReactNode {
  const scroller = useRef<HTMLDivElement>(null)
  const [stuck, setStuck] = useState(true)
  const virtual = useVirtualizer({ count: rows.length, getScrollElement: () => scroller.current, estimateSize: () => ROW, overscan: 20 })
  const end = (): void => { if (rows.length > 0) virtual.scrollToIndex(rows.length - 1, { align: 'end' }) }
  useEffect(() => { if (stuck && !paused) end() }, [rows, stuck, paused])
  if (rows.length === 0) return <Empty text={t('live.none-yet')} testId="live.empty" />
  return (
    <div className="live-list scroll" ref={scroller} role="log" aria-label={t('screens.live')} tabIndex={0} data-testid="live.list"
      onScroll={({ currentTarget: at }) => { setStuck(at.scrollHeight - at.scrollTop - at.clientHeight < NEAR) }}>
      <div style={{ height: virtual.getTotalSize(), position: 'relative' }}>
        {virtual.getVirtualItems().map((item) => {
          const row = rows[item.index]
          return row && <Row key={item.key} seen={row} top={item.start} isChosen={row === chosen} onChoose={onChoose} onTwin={onTwin} />
        })}
      </div>
      {!stuck && !paused && <div className="live-newest"><Button look="main" onClick={() => { setStuck(true); end() }}>{t('live.newest')}</Button></div>}
    </div>
  )
}

function Row({ seen, top, isChosen, onChoose, onTwin }: { seen: SeenEvent; top: number; isChosen: boolean; onChoose: (seen: SeenEvent) => void; onTwin: (id: string) => void }): ReactNode {
  const { event, arrived } = seen
  const models = useModels()
  const { twins } = useGraph()
  const twin = twinOf(event)
  const known = twins.get(twin)
  const model = known ? modelOf(known.twin) : modelIn(event.data)
  return (
    <div className={`live-row${isChosen ? ' on' : ''}`} style={{ transform: `translateY(${top}px)` }} onClick={() => { onChoose(seen) }} data-testid="live.row">
      <span className="num hint">{isTest ? '12:00:00' : formatTime(event.time === undefined ? arrived : Date.parse(event.time))}</span>
      <span className={`live-kind ${kindOf(event)}`} title={event.type}>{t(`live.kind-${kindOf(event)}`)}</span>
      <button type="button" className="chip live-twin" onClick={(click) => { click.stopPropagation(); onTwin(twin) }}>
        {model !== undefined && <MarkIcon look={lookOf(models, model)} />}<span className="cut">{typeof known?.twin['name'] === 'string' ? known.twin['name'] : twin}</span>
      </button>
      <span className="cut mono">{sayChange(event)}</span>
    </div>
  )
}

function modelIn(data: unknown): string | undefined {
  return typeof data === 'object' && data !== null && 'modelId' in data && typeof data.modelId === 'string' ? data.modelId : undefined
}
