import { type ReactNode, useMemo, useState } from 'react'
import { joinPointer, sameJson } from '@/api/json'
import { t } from '@/text/text'
import { Button } from '@/ui/button'
import { Dialog } from '@/ui/dialog'
import { type Draft, rebased, reverted, touched, withEdits } from '@/parts/values/draft'
import { type Path, valueAt } from '@/parts/values/patch'
import { showValue } from '@/parts/values/show'
import type { Editor } from './useEditor'

type Choice = 'theirs' | 'mine'

/** What was when you began, what others made of it, what you made of it: choose value by value (design 5.4). */
export function ConflictDialog({ editor }: { editor: Editor }): ReactNode {
  const { conflict, draft } = editor
  const [choices, setChoices] = useState<ReadonlyMap<string, Choice>>(new Map())
  const paths = useMemo(() => (draft ? touched(draft) : []), [draft])
  if (!conflict || !draft) return null
  const { theirs } = conflict
  const mine = withEdits(draft.base, draft)
  const contested = (path: Path): boolean => conflict.paths.some((each) => joinPointer(each) === joinPointer(path))
  const choiceOf = (path: Path): Choice => choices.get(joinPointer(path)) ?? 'mine'
  // What is taken from the others is no edit any more; the rest goes on from their version.
  const chosen = (): Draft => rebased(paths.filter((path) => choiceOf(path) === 'theirs').reduce(reverted, draft), theirs)
  const left = paths.filter((path) => choiceOf(path) === 'mine' && !sameJson(valueAt(mine, path), valueAt(theirs, path)))
  const save = (): void => {
    const next = chosen()
    editor.settle(left.length === 0 ? undefined : next)
    if (left.length > 0) void editor.save(next)
  }
  const value = (document: typeof mine, path: Path): string => showValue(valueAt(document, path)) || t('values.unset')
  return (
    <Dialog open wide title={t('inspector.conflict')} description={t('inspector.conflict-text')} onClose={() => { editor.settle(draft) }} testId="inspector.conflict" foot={(
      <>
        <Button onClick={() => { editor.settle(undefined); editor.discard() }} data-testid="inspector.conflict.discard">{t('inspector.discard-mine')}</Button>
        <Button onClick={() => { editor.settle(draft) }} data-testid="inspector.conflict.back">{t('inspector.back')}</Button>
        <Button look="main" onClick={save} data-testid="inspector.conflict.save">{left.length === 0 ? t('inspector.take-all') : t('inspector.save-these')}</Button>
      </>
    )}>
      <table className="in-compare">
        <thead><tr><th scope="col">{t('inspector.property')}</th><th scope="col">{t('inspector.began')}</th><th scope="col">{t('inspector.theirs')}</th><th scope="col">{t('inspector.mine')}</th></tr></thead>
        <tbody>
          {paths.map((path) => {
            const pointer = joinPointer(path)
            const pick = (choice: Choice): void => { setChoices(new Map([...choices, [pointer, choice]])) }
            const radio = (choice: Choice, text: string): ReactNode => (
              <label className="in-choice"><input type="radio" name={pointer} checked={choiceOf(path) === choice} onChange={() => { pick(choice) }} data-testid={`inspector.conflict.${choice}.${path.join('.')}`} />{text}</label>
            )
            return (
              <tr key={pointer} data-contested={contested(path) || undefined}>
                <td className="mono">{path.join('.')}</td>
                <td>{value(draft.base, path)}</td>
                <td>{contested(path) ? radio('theirs', value(theirs, path)) : value(theirs, path)}</td>
                <td>{contested(path) ? radio('mine', value(mine, path)) : value(mine, path)}</td>
              </tr>
            )
          })}
        </tbody>
      </table>
    </Dialog>
  )
}
