import type { ReactNode } from 'react'
import { t } from '@/text/text'
import { Button, IconButton } from '@/ui/button'
import { Switch } from '@/ui/controls'
import { Select } from '@/ui/select'
import { UpIcon } from '@/ui/icons'
import { act, useScreen } from './store'

/** Which relationships make boxes, in order; and along which one layers go. */
export default function BoxesCard(): ReactNode {
  const { picture, state, structure } = useScreen()
  const containments = picture?.layout.containments ?? []
  const used = containments.filter((each) => each.used).map((each) => each.name)
  const choose = (names: readonly string[]): void => { act(t('graph.boxes'), { boxesBy: names }) }
  const names = [...new Set([...structure.edges.values()].map((edge) => edge.name))].sort()
  return (
    <div className="boxes-card">
      <h3>{t('graph.boxes')}</h3>
      <p className="hint">{t('graph.boxes-text')}</p>
      <ul>
        {containments.map((each) => (
          <li key={each.name} className="row boxes-row">
            <Switch label={each.name} on={each.used} onChange={(on) => { choose(on ? [...used, each.name] : used.filter((name) => name !== each.name)) }} testId={`graph.boxes.${each.name}`} />
            <span className="mono cut grow">{each.name}</span>
            <span className="hint" title={t('graph.boxes-direction')}>{each.direction === 'down' ? '↓' : '↑'}</span>
            <span className="hint num">{each.score.toFixed(2)}</span>
            {each.used && used.indexOf(each.name) > 0 && (
              <IconButton icon={UpIcon} label={t('graph.boxes-up', { name: each.name })} onClick={() => {
                const at = used.indexOf(each.name)
                choose([...used.slice(0, at - 1), each.name, used[at - 1] ?? '', ...used.slice(at + 1)])
              }} />
            )}
          </li>
        ))}
      </ul>
      {state.boxesBy && <Button look="quiet" onClick={() => { act(t('graph.boxes'), { boxesBy: undefined }) }}>{t('graph.boxes-found')}</Button>}
      <h3>{t('graph.along')}</h3>
      <Select label={t('graph.along')} value={state.along} placeholder={t('graph.along-found')} choices={names.map((name) => ({ value: name, text: name }))} onChange={(along) => { act(t('graph.along'), { along }) }} testId="graph.along" />
    </div>
  )
}
