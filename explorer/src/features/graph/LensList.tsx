import { type KeyboardEvent, type ReactNode, useMemo, useState } from 'react'
import type { Models } from '@/dtdl/models'
import { useGraph } from '@/state/graph'
import { formatNumber, t } from '@/text/text'
import { useScreen } from './store'
import { countsOf } from './useLens'
import { lensProperties } from './values'

const MOST = 200

/** Whether every word of what is looked for begins a word of the text. */
export function matches(text: string, sought: string): boolean {
  const words = text.toLowerCase()
  return sought.toLowerCase().split(/\s+/).every((part) => words.includes(part))
}

/** Which property colours the picture: those that change first, then by how many twins have them. */
export function LensList({ models, chosen, onChoose }: { models: Models; chosen: string | undefined; onChoose: (path: string | undefined) => void }): ReactNode {
  const structure = useScreen((state) => state.structure)
  const { twins } = useGraph()
  const [sought, setSought] = useState('')
  const [at, setAt] = useState(0)
  const all = useMemo(() => lensProperties(models, countsOf(structure), twins.changes), [models, structure, twins])
  const found = all.filter((each) => matches(`${each.title} ${each.place} ${each.path}`, sought)).slice(0, MOST)
  const rows = [...(sought === '' && chosen !== undefined ? [undefined] : []), ...found]
  const onKey = (event: KeyboardEvent): void => {
    if (event.key === 'ArrowDown' || event.key === 'ArrowUp') {
      event.preventDefault()
      setAt((before) => Math.max(0, Math.min(rows.length - 1, before + (event.key === 'ArrowDown' ? 1 : -1))))
    } else if (event.key === 'Enter') {
      event.preventDefault()
      if (rows.length > 0) onChoose(rows[at]?.path)
    }
  }
  return (
    <div className="lens-list">
      <input className="input" autoFocus value={sought} placeholder={t('graph.lens-find')} aria-label={t('graph.lens-find')} role="combobox" aria-expanded aria-controls="lens-rows" aria-activedescendant={`lens-${at}`}
        onChange={(event) => { setSought(event.target.value); setAt(0) }} onKeyDown={onKey} data-testid="graph.lens.find" />
      <ul id="lens-rows" role="listbox" className="lens-rows scroll" aria-label={t('graph.lens')}>
        {rows.map((row, index) => (
          <li key={row?.path ?? ''} id={`lens-${index}`} role="option" aria-selected={index === at} className={index === at ? 'lens-row on' : 'lens-row'} onMouseEnter={() => { setAt(index) }} onClick={() => { onChoose(row?.path) }} data-testid={`graph.lens.${row?.path ?? 'none'}`}>
            {row === undefined ? <span className="grow">{t('graph.lens-none')}</span> : (
              <>
                <span className={twins.changes.size > 0 && row.changes > 0 ? 'lens-live on' : 'lens-live'} aria-hidden />
                <span className="cut">{row.title}</span>
                {row.place !== '' && <span className="hint cut">{row.place}</span>}
                <span className="grow" />
                <span className="hint">{row.unit === '' ? row.schema.kind : row.unit}</span>
                <span className="hint num">{formatNumber(row.twins)}</span>
              </>
            )}
          </li>
        ))}
        {rows.length === 0 && <li className="lens-row secondary">{t('graph.lens-nothing')}</li>}
      </ul>
    </div>
  )
}
