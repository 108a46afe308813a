import { useVirtualizer } from '@tanstack/react-virtual'
import { type KeyboardEvent, type ReactNode, useEffect, useId, useRef, useState } from 'react'
import { runCommand } from '@/commands/registry'
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
  readonly onClose: () => void
}

const PAGE = 10

/** Where a key leads from a row; undefined where it leads nowhere. Without a row one begins at the newest. */
export function rowAfter(key: string, at: number, count: number): number | undefined {
  const steps: Readonly<Record<string, number>> = { ArrowUp: -1, ArrowDown: 1, PageUp: -PAGE, PageDown: PAGE, Home: -count, End: count }
  const step = steps[key]
  if (step === undefined || count === 0) return undefined
  return at < 0 ? (key === 'Home' ? 0 : count - 1) : Math.min(count - 1, Math.max(0, at + step))
}

/** The newest at the bottom, followed while one is there; by keyboard one goes from row to row. */
export function List({ rows, paused, chosen, onChoose, onTwin, onClose }: ListProps): ReactNode {
  const name = useId()
  const [here, setHere] = useState<SeenEvent>()
  const scroller = useRef<HTMLDivElement>(null)
  const [stuck, setStuck] = useState(true)
  const virtual = useVirtualizer({ count: rows.length, getScrollElement: () => scroller.current, estimateSize: () => ROW, overscan: 20 })
  const end = (): void => { if (rows.length > 0) virtual.scrollToIndex(rows.length - 1, { align: 'end' }) }
  const at = here === undefined ? -1 : rows.lastIndexOf(here)
  const isRead = at >= 0
  // Who goes through the rows is not carried away from the one that is read, as long as it is among them.
  useEffect(() => { if (stuck && !paused && !isRead) end() }, [rows, stuck, paused, isRead])
  const goTo = (index: number): void => {
    setHere(rows[index])
    virtual.scrollToIndex(index, { align: 'auto' })
  }
  const onKey = (event: KeyboardEvent): void => {
    const from = at < 0 && chosen ? rows.lastIndexOf(chosen) : at
    const next = event.ctrlKey || event.altKey || event.metaKey ? undefined : rowAfter(event.key, from, rows.length)
    if (next !== undefined) goTo(next)
    else if (event.target !== event.currentTarget) return
    else if (event.key === 'Enter' && here) { if (event.shiftKey) onTwin(twinOf(here.event)); else onChoose(here) } else if (event.key === 'Escape' && chosen) onClose()
    else if (event.key === 'Escape' && here) setHere(undefined)
    else if (event.key === ' ') runCommand('live.pause')
    else return
    event.preventDefault()
  }
  if (rows.length === 0) return <Empty text={t('live.none-yet')} testId="live.empty" />
  return (
    <div className="live-list scroll" ref={scroller} data-testid="live.list" onScroll={({ currentTarget: box }) => { setStuck(box.scrollHeight - box.scrollTop - box.clientHeight < NEAR) }}>
      <div className="live-grid" style={{ height: virtual.getTotalSize() }} role="grid" aria-label={t('screens.live')} aria-rowcount={rows.length} aria-describedby={`${name}how`} tabIndex={0} onKeyDown={onKey} data-testid="live.grid"
        {...(at >= 0 && { 'aria-activedescendant': `${name}${at}` })}>
        {virtual.getVirtualItems().map((item) => {
          const row = rows[item.index]
          return row && <Row key={item.key} id={`${name}${item.index}`} index={item.index} seen={row} top={item.start} isHere={item.index === at} isChosen={row === chosen} onChoose={onChoose} onTwin={onTwin} />
        })}
      </div>
      <p id={`${name}how`} hidden>{t('live.how')}</p>
      {(!stuck || isRead) && !paused && <div className="live-newest"><Button look="main" onClick={() => { setHere(undefined); setStuck(true); end() }}>{t('live.newest')}</Button></div>}
    </div>
  )
}

interface RowProps {
  readonly id: string
  readonly index: number
  readonly seen: SeenEvent
  readonly top: number
  /** One is at it by keyboard. */
  readonly isHere: boolean
  readonly isChosen: boolean
  readonly onChoose: (seen: SeenEvent) => void
  readonly onTwin: (id: string) => void
}

function Row({ id, index, seen, top, isHere, isChosen, onChoose, onTwin }: RowProps): ReactNode {
  const { event, arrived } = seen
  const models = useModels()
  const { twins } = useGraph()
  const twin = twinOf(event)
  const known = twins.get(twin)
  const model = known ? modelOf(known.twin) : modelIn(event.data)
  return (
    <div id={id} role="row" aria-rowindex={index + 1} aria-selected={isChosen} className={`live-row${isChosen ? ' on' : ''}${isHere ? ' here' : ''}`} style={{ transform: `translateY(${top}px)` }} onClick={() => { onChoose(seen) }} data-testid="live.row">
      <span role="gridcell" className="num hint">{isTest ? '12:00:00' : formatTime(event.time === undefined ? arrived : Date.parse(event.time))}</span>
      <span role="gridcell" className={`live-kind ${kindOf(event)}`} title={event.type}>{t(`live.kind-${kindOf(event)}`)}</span>
      <span role="gridcell" className="live-cell">
        <button type="button" tabIndex={-1} className="chip live-twin" onClick={(click) => { click.stopPropagation(); onTwin(twin) }}>
          {model !== undefined && <MarkIcon look={lookOf(models, model)} />}<span className="cut">{typeof known?.twin['name'] === 'string' ? known.twin['name'] : twin}</span>
        </button>
      </span>
      <span role="gridcell" className="cut mono">{sayChange(event)}</span>
    </div>
  )
}

function modelIn(data: unknown): string | undefined {
  return typeof data === 'object' && data !== null && 'modelId' in data && typeof data.modelId === 'string' ? data.modelId : undefined
}
