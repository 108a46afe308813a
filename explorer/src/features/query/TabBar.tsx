import type { ReactNode } from 'react'
import { t } from '@/text/text'
import { IconButton } from '@/ui/button'
import { AddIcon, CloseIcon } from '@/ui/icons'
import { activate, addTab, isUnsaved, type QueryTab, titleOf } from './tabs'

interface TabBarProps { readonly tabs: readonly QueryTab[]; readonly active: string; readonly onClose: (tab: QueryTab) => void; readonly children: ReactNode }

/** The open queries; what is behind them stands at the right. */
export function TabBar({ tabs, active, onClose, children }: TabBarProps): ReactNode {
  return (
    <div className="query-tabs">
      <div className="query-tab-list" role="group" aria-label={t('query.tabs')}>
        {tabs.map((tab) => {
          const title = titleOf(tab) ?? t('query.untitled')
          return (
            <div key={tab.id} className="query-tab" data-active={tab.id === active} onAuxClick={(event) => { if (event.button === 1) onClose(tab) }}>
              <button type="button" aria-current={tab.id === active} className="cut" title={title} onClick={() => { activate(tab.id) }} data-testid="query.tab">
                {title}{tab.saved && isUnsaved(tab) && <span className="query-unsaved" title={t('query.unsaved')}>{' •'}</span>}
              </button>
              {(tabs.length > 1 || tab.text !== '') && <IconButton icon={CloseIcon} size={12} label={t('query.close', { title })} onClick={() => { onClose(tab) }} />}
            </div>
          )
        })}
        <IconButton icon={AddIcon} label={t('query.new')} onClick={addTab} data-testid="query.new" />
      </div>
      <span className="grow" />
      {children}
    </div>
  )
}
