import type { ReactNode } from 'react'
import { splitPointer, writeJson } from '@/api/json'
import { t } from '@/text/text'
import { Button } from '@/ui/button'
import { Dialog } from '@/ui/dialog'
import { type Draft, draftPatch, withEdits } from '@/parts/values/draft'
import { valueAt } from '@/parts/values/patch'
import { showValue } from '@/parts/values/show'

/** The JSON Patch that is sent, beside what was there and what will be. */
export function Preview({ open, draft, onClose, onSave, blocked }: { open: boolean; draft: Draft; onClose: () => void; onSave: () => void; blocked: boolean }): ReactNode {
  if (!open) return null
  const operations = draftPatch(draft)
  const after = withEdits(draft.base, draft)
  return (
    <Dialog open wide title={t('inspector.preview-title', { n: operations.length })} onClose={onClose} testId="inspector.preview-dialog" foot={(
      <>
        <Button onClick={onClose}>{t('inspector.back')}</Button>
        <Button look="main" disabled={blocked} onClick={onSave} data-testid="inspector.preview-save">{t('inspector.save')}</Button>
      </>
    )}>
      <table className="in-compare">
        <thead><tr><th scope="col">{t('inspector.property')}</th><th scope="col">{t('inspector.before')}</th><th scope="col">{t('inspector.after')}</th></tr></thead>
        <tbody>
          {operations.map((each) => {
            const path = splitPointer(each.path)
            return (
              <tr key={each.path}>
                <td className="mono">{path.join('.')}</td>
                <td className="in-gone">{showValue(valueAt(draft.base, path)) || t('values.unset')}</td>
                <td className="in-new">{showValue(valueAt(after, path)) || t('values.unset')}</td>
              </tr>
            )
          })}
        </tbody>
      </table>
      <h3 className="in-patch-head">{t('inspector.patch')}</h3>
      <pre className="ed-json mono in-patch" tabIndex={0} data-testid="inspector.patch">{`[\n${operations.map((each) => `  ${writeJson(each)}`).join(',\n')}\n]`}</pre>
    </Dialog>
  )
}
