import { type ReactNode, useCallback, useEffect, useState } from 'react'
import { useGraph } from '@/state/graph'
import { formatAgo, formatNumber, t } from '@/text/text'
import { Button, IconButton } from '@/ui/button'
import { DeleteIcon, HistoryIcon, SavedIcon } from '@/ui/icons'
import { Popover } from '@/ui/menu'
import { Empty } from '@/ui/states'
import { forgetEntry, history, type HistoryEntry, setStar } from './keep'

/** Queries that were run on this graph in this browser, the newest first. */
export function HistoryButton({ onOpen }: { onOpen: (text: string) => void }): ReactNode {
  const [open, setOpen] = useState(false)
  return (
    <Popover open={open} onOpenChange={setOpen} align="end" label={t('query.history')} trigger={<Button icon={HistoryIcon} data-testid="query.history">{t('query.history')}</Button>}>
      {open && <HistoryList onOpen={(text) => { setOpen(false); onOpen(text) }} />}
    </Popover>
  )
}

function HistoryList({ onOpen }: { onOpen: (text: string) => void }): ReactNode {
  const { name: graph } = useGraph()
  const [entries, setEntries] = useState<readonly HistoryEntry[]>()
  const [wanted, setWanted] = useState('')
  const read = useCallback(() => { history(graph).then(setEntries, () => { setEntries([]) }) }, [graph])
  useEffect(read, [read])
  const act = (doing: Promise<void>): void => { void doing.then(read) }
  const found = (entries ?? []).filter((each) => each.text.toLowerCase().includes(wanted.toLowerCase()))
  const sorted = [...found.filter((each) => each.star), ...found.filter((each) => !each.star)]
  if (entries?.length === 0) return <Empty text={t('query.history-none')} />
  return (
    <div className="query-list" data-testid="query.history.list">
      <input className="input" placeholder={t('query.history-find')} aria-label={t('query.history-find')} value={wanted} onChange={(event) => { setWanted(event.target.value) }} />
      <ul className="query-list-rows scroll">
        {sorted.slice(0, 200).map((entry) => (
          <li key={entry.text} className="query-list-row">
            <button type="button" className="query-list-open" onClick={() => { onOpen(entry.text) }}>
              <span className="mono query-list-text">{entry.text}</span>
              <span className="hint num">{[formatAgo(Date.now() - entry.at), entry.rows === undefined ? t('query.not-run') : t(entry.more === true ? 'query.rows-more' : 'query.rows', { n: entry.rows }), ...(entry.ms === undefined ? [] : [t('query.ms', { ms: formatNumber(Math.round(entry.ms)) })])].join(' · ')}</span>
            </button>
            <IconButton icon={SavedIcon} on={entry.star} label={t(entry.star ? 'query.unstar' : 'query.star')} onClick={() => { act(setStar(entry, !entry.star)) }} />
            <IconButton icon={DeleteIcon} label={t('query.forget')} onClick={() => { act(forgetEntry(entry)) }} />
          </li>
        ))}
      </ul>
    </div>
  )
}
