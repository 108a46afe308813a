/** A JSON text that is written in: loaded when it is first needed. */
import { defaultKeymap, history, historyKeymap } from '@codemirror/commands'
import { json, jsonParseLinter } from '@codemirror/lang-json'
import { bracketMatching, HighlightStyle, syntaxHighlighting } from '@codemirror/language'
import { linter } from '@codemirror/lint'
import { EditorState } from '@codemirror/state'
import { EditorView, keymap, lineNumbers } from '@codemirror/view'
import { tags } from '@lezer/highlight'
import { type ReactNode, useEffect, useRef } from 'react'
import { nonce } from '@/api/place'

const colours = HighlightStyle.define([
  { tag: tags.propertyName, color: 'var(--text)' }, { tag: tags.string, color: 'var(--family-2)' }, { tag: tags.number, color: 'var(--family-5)' },
  { tag: [tags.bool, tags.null], color: 'var(--accent)' }, { tag: tags.invalid, color: 'var(--danger)' },
])

const look = EditorView.theme({
  '&': { height: '100%', fontSize: '12px', backgroundColor: 'var(--canvas)', color: 'var(--text)' },
  '.cm-scroller': { fontFamily: 'var(--mono)', lineHeight: '18px' },
  '.cm-gutters': { backgroundColor: 'var(--canvas)', color: 'var(--text-3)', border: '0' },
  '&.cm-focused': { outline: 'none' },
  '.cm-content': { caretColor: 'var(--text)' },
  '.cm-cursor': { borderLeftColor: 'var(--text)' },
  '.cm-selectionBackground, &.cm-focused .cm-selectionBackground': { backgroundColor: 'var(--accent-soft) !important' },
})

export default function JsonEditor({ text, label, onChange, testId }: { text: string; label: string; onChange: (text: string) => void; testId?: string }): ReactNode {
  const host = useRef<HTMLDivElement>(null)
  const changed = useRef(onChange)
  changed.current = onChange
  useEffect(() => {
    if (!host.current) return undefined
    const view = new EditorView({
      parent: host.current,
      state: EditorState.create({
        doc: text,
        extensions: [
          EditorView.cspNonce.of(nonce), lineNumbers(), history(), bracketMatching(), json(), linter(jsonParseLinter()), syntaxHighlighting(colours),
          keymap.of([...defaultKeymap, ...historyKeymap]), look, EditorView.lineWrapping, EditorView.contentAttributes.of({ 'aria-label': label }),
          EditorView.updateListener.of((update) => { if (update.docChanged) changed.current(update.state.doc.toString()) }),
        ],
      }),
    })
    return () => { view.destroy() }
    // The editor begins with the text and keeps its own from then on.
  }, [])
  return <div ref={host} className="json-editor" data-testid={testId} />
}
