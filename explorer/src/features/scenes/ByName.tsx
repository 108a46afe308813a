import { type ReactNode, useMemo, useState } from 'react'
import { useSettled, useTwins } from '@/parts/twins'
import { TwinName } from '@/parts/TwinName'
import { useGraph } from '@/state/graph'
import { t } from '@/text/text'
import { Button } from '@/ui/button'
import { Field, Switch } from '@/ui/controls'
import { Dialog } from '@/ui/dialog'
import { OutIcon } from '@/ui/icons'
import type { EditorProps } from './Editor'
import { matchesOf, missingHoles, readPattern, suggestPattern } from './matching'
import { bindAll, MOST_BINDINGS } from './scene'

const MOST_SHOWN = 200

/** Bind many elements at once: their ids follow a pattern, and so do those of their twins. */
export function ByName({ scene, drawing, draft, onClose }: EditorProps & { onClose: () => void }): ReactNode {
  const { twins } = useGraph()
  const ids = useMemo(() => [...(drawing?.elements.keys() ?? [])], [drawing])
  const bound = useMemo(() => new Map(scene.bindings.map((each) => [each.element, each.twin])), [scene.bindings])
  const [pattern, setPattern] = useState(() => suggestPattern(ids.filter((id) => !bound.has(id))) || suggestPattern(ids))
  const [to, setTo] = useState('')
  const [again, setAgain] = useState(false)
  const [wanted, target] = [useSettled(pattern), useSettled(to)]
  const matches = useMemo(() => matchesOf(ids, wanted, target).filter((each) => again || !bound.has(each.element)).slice(0, MOST_BINDINGS), [ids, wanted, target, again, bound])
  const read = useTwins(useMemo(() => matches.map((each) => each.twin), [matches]))
  const rows = useMemo(() => matches.map((each) => ({ ...each, isThere: twins.has(each.twin) })), [matches, twins, read])
  const good = rows.filter((row) => row.isThere)
  const holes = missingHoles(wanted, target)
  const error = pattern !== '' && !readPattern(pattern) ? t('scenes.bad-pattern') : undefined
  const apply = (): void => { draft.change((before) => bindAll(before, new Map(good.map((each) => [each.element, each.twin])))); onClose() }
  return (
    <Dialog open wide title={t('scenes.by-name')} description={t('scenes.by-name-text')} onClose={onClose} testId="scenes.by-name-dialog" foot={(
      <>
        <Button onClick={onClose}>{t('ui.cancel')}</Button>
        <Button look="main" disabled={good.length === 0 || holes.length > 0} onClick={apply} data-testid="scenes.by-name.apply">{t('scenes.bind-many', { n: good.length })}</Button>
      </>
    )}>
      <div className="scenes-patterns">
        <Field label={t('scenes.pattern')} error={error} hint={t('scenes.pattern-hint')}><input className="input mono" autoFocus value={pattern} placeholder="room-{n}" onChange={(event) => { setPattern(event.target.value) }} data-testid="scenes.by-name.pattern" spellCheck={false} /></Field>
        <Field label={t('scenes.pattern-twin')} error={holes.length > 0 ? t('scenes.no-hole', { names: holes.join(', ') }) : undefined} hint={t('scenes.pattern-twin-hint')}><input className="input mono" value={to} placeholder={pattern} onChange={(event) => { setTo(event.target.value) }} data-testid="scenes.by-name.twin" spellCheck={false} /></Field>
      </div>
      <p className="row"><Switch label={t('scenes.again')} on={again} onChange={setAgain} testId="scenes.by-name.again" /><span className="secondary">{t('scenes.again')}</span></p>
      <p className="secondary scenes-matches-told" role="status" data-testid="scenes.by-name.count">{t('scenes.matches', { n: rows.length })}{rows.length > good.length && read !== 0 && ` ${t('scenes.matches-missing', { n: rows.length - good.length })}`}</p>
      <ul className="scenes-matches scroll">
        {rows.slice(0, MOST_SHOWN).map((row) => (
          <li key={row.element} className="row" data-testid={`scenes.by-name.row.${row.element}`}>
            <code className="cut scenes-match">{row.element}</code><OutIcon size={12} aria-hidden />
            <span className="grow cut">{row.isThere ? <TwinName id={row.twin} /> : <code>{row.twin}</code>}</span>
            {row.isThere ? bound.has(row.element) && bound.get(row.element) !== row.twin && <span className="hint">{t('scenes.replaces')}</span> : read !== 0 && <span className="tag warn">{t('scenes.state-missing')}</span>}
          </li>
        ))}
      </ul>
    </Dialog>
  )
}
