import { type ReactNode, useMemo, useState } from 'react'
import { type Command, useCommands } from '@/commands/registry'
import { showKeys } from '@/commands/keys'
import { useGraph } from '@/state/graph'
import { t } from '@/text/text'
import { Button, IconButton } from '@/ui/button'
import { RedoIcon, UndoIcon } from '@/ui/icons'
import { Preview } from './Preview'
import { ConflictDialog } from './ConflictDialog'
import type { Editor } from './useEditor'

/** On the query screen Ctrl S saves the query, but where the focus is in the inspector. */
function ownsSave(): boolean { return document.querySelector('[data-testid="query.run"]') !== null }

/** What is changed and not saved, and what can be done with it. */
export function EditBar({ editor, keys = true }: { editor: Editor; keys?: boolean }): ReactNode {
  const { draft, changes, unread, save, saving, rest, refused, meanwhile } = editor
  const [preview, setPreview] = useState(false)
  const { at } = useGraph()
  const dirty = changes > 0
  const commands = useMemo((): Command[] => (keys ? [{ id: 'inspector.save', group: t('inspector.group'), text: t('inspector.save'), keys: ['Ctrl s'], when: () => at === undefined && dirty && !ownsSave(), run: async () => { await save() } }] : []), [keys, dirty, save, at])
  useCommands(commands)
  // A draft waits for the present: in the past nothing is saved.
  if (at !== undefined || !draft || (!dirty && draft.steps.length === 0)) return editor.conflict ? <ConflictDialog editor={editor} /> : null
  return (
    <div className="in-bar" role="region" aria-label={t('inspector.edit')} data-testid="inspector.bar">
      {refused && rest.length > 0 && <div className="in-refused" role="alert" data-testid="inspector.refused"><span className="mono">{refused.code}</span>{rest.slice(0, 8).map((each, index) => <p key={index}>{each}</p>)}</div>}
      {meanwhile.length > 0 && <p className="hint">{t('inspector.meanwhile', { n: meanwhile.length })}</p>}
      {unread > 0 && <p className="field-error">{t('inspector.unread', { n: unread })}</p>}
      <div className="in-bar-row">
        <span className="grow secondary" data-testid="inspector.changes">{t('inspector.changes', { n: changes })}</span>
        <IconButton icon={UndoIcon} label={t('inspector.undo')} keys={showKeys('Ctrl Z')} disabled={draft.done === 0} onClick={editor.undo} side="top" data-testid="inspector.undo" />
        <IconButton icon={RedoIcon} label={t('inspector.redo')} keys={showKeys('Ctrl Shift Z')} disabled={draft.done === draft.steps.length} onClick={editor.redo} side="top" data-testid="inspector.redo" />
        <Button onClick={() => { setPreview(true) }} disabled={!dirty} data-testid="inspector.preview">{t('inspector.preview')}</Button>
        <Button onClick={editor.discard} data-testid="inspector.discard">{t('inspector.discard')}</Button>
        <Button look="main" disabled={!dirty || saving || unread > 0} title={showKeys('Ctrl S')} onClick={() => { void save() }} data-testid="inspector.save">{saving ? t('inspector.saving') : t('inspector.save')}</Button>
      </div>
      <Preview open={preview} draft={draft} onClose={() => { setPreview(false) }} onSave={() => { setPreview(false); void save() }} blocked={unread > 0} />
      {editor.conflict && <ConflictDialog editor={editor} />}
    </div>
  )
}
