import type { ReactNode } from 'react'
import { joinPointer, type JsonObject } from '@/api/json'
import { t } from '@/text/text'
import { Button } from '@/ui/button'
import { type Path, valueAt } from '@/parts/values/patch'
import { showValue } from '@/parts/values/show'
import type { Editor } from './useEditor'

/** Below a touched value that somebody else has changed while it was edited. */
export function Meanwhile({ editor, document, path }: { editor: Editor; document: JsonObject; path: Path }): ReactNode {
  if (!editor.meanwhile.some((each) => joinPointer(each) === joinPointer(path))) return null
  return (
    <p className="row hint in-meanwhile" role="status" data-testid={`inspector.meanwhile.${path.join('.')}`}>
      <span className="grow">{t('inspector.changed-to', { value: showValue(valueAt(document, path)) || t('values.unset') })}</span>
      <Button look="quiet" onClick={() => { editor.takeTheirs(path) }}>{t('inspector.take-it')}</Button>
      <Button look="quiet" onClick={() => { editor.keepMine(path) }}>{t('inspector.keep-mine')}</Button>
    </p>
  )
}
