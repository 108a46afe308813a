import { type ReactNode, useMemo, useState } from 'react'
import { isObject, type JsonObject, parseJson, writeJson } from '@/api/json'
import { t } from '@/text/text'
import { Button } from '@/ui/button'
import { CopyIcon, EditIcon } from '@/ui/icons'
import { Editor as TextEditor } from '@/parts/editor/Editor'
import { JSON_LANGUAGE } from '@/parts/editor/languages'
import type { Problem } from '@/parts/editor/types'
import { JsonView } from '@/parts/JsonView'
import { editsBetween } from '@/parts/values/draft'
import { differences, type Path } from '@/parts/values/patch'
import { copy } from './Header'
import type { Editor } from './useEditor'

/** What the server keeps by itself, and no edit changes: all that begins with `$`, but for the model. */
function isKept(path: Path): boolean {
  const last = path.at(-1) ?? ''
  return last.startsWith('$') ? !(path.length === 1 && last === '$metadata') && !(path.length === 2 && path[0] === '$metadata' && last === '$model') : path.includes('$metadata')
}

function withoutKept(document: JsonObject, path: Path = []): JsonObject {
  return Object.fromEntries(Object.entries(document).filter(([name]) => !isKept([...path, name])).map(([name, value]) => [name, isObject(value) ? withoutKept(value, [...path, name]) : value]))
}

/** The document as it is; edited as text, the patch is what differs. */
export function JsonTab({ document, editor, onApplied }: { document: JsonObject; editor: Editor; onApplied: () => void }): ReactNode {
  const [text, setText] = useState<string>()
  const [problem, setProblem] = useState<Problem>()
  const editable = useMemo(() => withoutKept(editor.shown), [editor.shown])
  const apply = (): void => {
    let after
    try {
      after = parseJson(text ?? '')
    } catch (error) {
      const message = error instanceof Error ? error.message : ''
      const from = Number(/position (\d+)/.exec(message)?.[1] ?? 0)
      setProblem({ from, to: Math.min(from + 1, text?.length ?? 0), severity: 'error', message: `${t('inspector.json-broken')} ${message}` })
      return
    }
    if (!isObject(after)) { setProblem({ from: 0, to: 1, severity: 'error', message: t('inspector.json-object') }); return }
    // Who leaves the metadata out does not mean to take the model away.
    const whole = editable['$metadata'] === undefined ? after : { $metadata: editable['$metadata'], ...after }
    const edits = editsBetween(editable, whole, differences(editable, whole, isKept))
    if (edits.length > 0) editor.edit(edits)
    setText(undefined)
    onApplied()
  }
  if (text !== undefined) {
    return (
      <div className="in-json">
        <div className="in-json-edit"><TextEditor label={t('inspector.json')} value={text} language={JSON_LANGUAGE} autoFocus onRun={apply} problems={problem ? [problem] : []} onChange={(next) => { setText(next); setProblem(undefined) }} testId="inspector.json.editor" /></div>
        {problem !== undefined && <p className="field-error in-none" role="alert">{problem.message}</p>}
        <div className="row in-foot">
          <Button look="main" onClick={apply} data-testid="inspector.json.apply">{t('inspector.json-apply')}</Button>
          <Button onClick={() => { setText(undefined) }}>{t('ui.cancel')}</Button>
        </div>
      </div>
    )
  }
  return (
    <div className="in-json" data-testid="inspector.json">
      <div className="row in-foot">
        {!editor.editing.readOnly && <Button icon={EditIcon} onClick={() => { setText(writeJson(editable, 2)) }} data-testid="inspector.json.edit">{t('inspector.json-edit')}</Button>}
        <Button look="quiet" icon={CopyIcon} onClick={() => { copy(writeJson(document, 2)) }}>{t('inspector.copy-json')}</Button>
      </div>
      <JsonView value={editor.shown} />
    </div>
  )
}
