import { type ReactNode, useState } from 'react'
import { isObject, type JsonObject, parseJson, writeJson } from '@/api/json'
import { useGraph } from '@/state/graph'
import { t } from '@/text/text'
import { Button } from '@/ui/button'
import { CopyIcon, EditIcon } from '@/ui/icons'
import { Editor as TextEditor } from '@/parts/editor/Editor'
import { JSON_LANGUAGE } from '@/parts/editor/languages'
import type { Problem } from '@/parts/editor/types'
import { JsonView } from '@/parts/JsonView'
import type { Subject } from '@/parts/subject'
import { toast } from '@/ui/toasts'
import { copy } from './Header'
import { beginJson, editsOf, type JsonDraft, keepJson, readJson } from './jsonDraft'
import type { Editor } from './useEditor'

/** The document as it is; edited as text, the patch is what differs. */
export function JsonTab({ subject, document, editor, onApplied }: { subject: Subject; document: JsonObject; editor: Editor; onApplied: () => void }): ReactNode {
  const { name: graph } = useGraph()
  const [draft, setDraft] = useState(() => readJson(graph, subject))
  const [problem, setProblem] = useState<Problem>()
  const [isFleeting, setFleeting] = useState(false)
  const change = (next: JsonDraft | undefined): void => {
    setDraft(next)
    setProblem(undefined)
    const isKept = keepJson(graph, subject, next)
    if (!isKept && !isFleeting) toast({ text: t('inspector.draft-too-long'), kind: 'error' })
    setFleeting(!isKept)
  }
  const apply = (): void => {
    if (!draft) return
    const { base, text } = draft
    let after
    try {
      after = parseJson(text)
    } catch (error) {
      const message = error instanceof Error ? error.message : ''
      const from = Number(/position (\d+)/.exec(message)?.[1] ?? 0)
      setProblem({ from, to: Math.min(from + 1, text.length), severity: 'error', message: `${t('inspector.json-broken')} ${message}` })
      return
    }
    if (!isObject(after)) { setProblem({ from: 0, to: 1, severity: 'error', message: t('inspector.json-object') }); return }
    const edits = editsOf(base, after)
    if (edits.length > 0) editor.edit(edits, base)
    change(undefined)
    onApplied()
  }
  // In the past, or without the right to write, the text waits.
  if (draft !== undefined && !editor.editing.readOnly) {
    return (
      <div className="in-json">
        <div className="in-json-edit"><TextEditor label={t('inspector.json')} value={draft.text} language={JSON_LANGUAGE} autoFocus onRun={apply} problems={problem ? [problem] : []} onChange={(text) => { change({ ...draft, text }) }} testId="inspector.json.editor" /></div>
        {problem !== undefined && <p className="field-error in-none" role="alert">{problem.message}</p>}
        <div className="row in-foot">
          <Button look="main" onClick={apply} data-testid="inspector.json.apply">{t('inspector.json-apply')}</Button>
          <Button onClick={() => { change(undefined) }}>{t('ui.cancel')}</Button>
        </div>
      </div>
    )
  }
  return (
    <div className="in-json" data-testid="inspector.json">
      <div className="row in-foot">
        {!editor.editing.readOnly && <Button icon={EditIcon} onClick={() => { change(beginJson(editor.shown)) }} data-testid="inspector.json.edit">{t('inspector.json-edit')}</Button>}
        <Button look="quiet" icon={CopyIcon} onClick={() => { copy(writeJson(document, 2)) }}>{t('inspector.copy-json')}</Button>
      </div>
      <JsonView value={editor.shown} />
    </div>
  )
}
