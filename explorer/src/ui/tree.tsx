/** A tree of which only what is seen is in the page. */
import { useVirtualizer } from '@tanstack/react-virtual'
import { type KeyboardEvent, type ReactNode, useEffect, useRef } from 'react'
import { DownIcon, RightIcon } from './icons'

export interface TreeRow {
  readonly id: string
  readonly depth: number
  readonly open: boolean | undefined
  readonly content: ReactNode
}

interface TreeProps {
  readonly label: string
  readonly rows: readonly TreeRow[]
  readonly chosen?: string | undefined
  readonly onChoose: (id: string) => void
  readonly onToggle: (id: string) => void
  readonly onOpen?: (id: string) => void
  readonly rowHeight?: number
  readonly testId?: string
}

export function Tree({ label, rows, chosen, onChoose, onToggle, onOpen, rowHeight = 28, testId }: TreeProps): ReactNode {
  const scroller = useRef<HTMLDivElement>(null)
  const virtual = useVirtualizer({ count: rows.length, getScrollElement: () => scroller.current, estimateSize: () => rowHeight, overscan: 16 })
  const at = rows.findIndex((row) => row.id === chosen)
  useEffect(() => { if (at >= 0) virtual.scrollToIndex(at, { align: 'auto' }) }, [at, virtual])

  const onKey = (event: KeyboardEvent): void => {
    const row = rows[at]
    const move = event.key === 'ArrowDown' ? at + 1 : event.key === 'ArrowUp' ? at - 1 : event.key === 'Home' ? 0 : event.key === 'End' ? rows.length - 1 : undefined
    const next = move === undefined ? undefined : rows[Math.max(0, move)]
    if (next) { event.preventDefault(); onChoose(next.id); return }
    if (!row) return
    if (event.key === 'Enter') onOpen?.(row.id)
    else if (event.key === 'ArrowRight' && row.open === false) onToggle(row.id)
    else if (event.key === 'ArrowLeft' && row.open === true) onToggle(row.id)
    else if (event.key === 'ArrowLeft') {
      const parent = rows.slice(0, at).findLast((each) => each.depth < row.depth)
      if (parent) onChoose(parent.id)
    }
  }

  return (
    <div className="tree scroll" ref={scroller} role="tree" aria-label={label} tabIndex={0} onKeyDown={onKey} data-testid={testId} aria-activedescendant={at >= 0 ? `tree-${chosen}` : undefined}>
      <div style={{ height: virtual.getTotalSize(), position: 'relative' }} role="presentation">
        {virtual.getVirtualItems().map((item) => {
          const row = rows[item.index]
          if (!row) return null
          return (
            <div key={row.id} id={`tree-${row.id}`} role="treeitem" aria-level={row.depth + 1} aria-selected={row.id === chosen} {...(row.open !== undefined && { 'aria-expanded': row.open })}
              className="tree-row" style={{ transform: `translateY(${item.start}px)`, height: rowHeight, paddingLeft: 8 + row.depth * 16 }}
              onClick={() => { onChoose(row.id) }} onDoubleClick={() => { onOpen?.(row.id) }} data-testid={testId === undefined ? undefined : `${testId}.${row.id}`}>
              <span className="tree-toggle" aria-hidden onClick={(event) => { event.stopPropagation(); if (row.open !== undefined) onToggle(row.id) }}>
                {row.open === undefined ? null : row.open ? <DownIcon size={14} /> : <RightIcon size={14} />}
              </span>
              {row.content}
            </div>
          )
        })}
      </div>
    </div>
  )
}
