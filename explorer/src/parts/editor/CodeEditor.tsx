import { acceptCompletion, closeBrackets, closeBracketsKeymap, closeCompletion } from '@codemirror/autocomplete'
import { defaultKeymap, history, historyKeymap } from '@codemirror/commands'
import { json } from '@codemirror/lang-json'
import { bracketMatching, foldGutter, foldKeymap } from '@codemirror/language'
import { lintGutter, setDiagnostics } from '@codemirror/lint'
import { search, searchKeymap } from '@codemirror/search'
import { EditorSelection, EditorState, type Extension, Prec } from '@codemirror/state'
import { drawSelection, EditorView, highlightActiveLine, keymap, lineNumbers, placeholder, tooltips } from '@codemirror/view'
import { type ReactNode, useEffect, useRef } from 'react'
import { nonce } from '@/api/place'
import { completing } from './completing'
import { painting } from './paint'
import type { EditorHandle, EditorProps } from './types'

const AROUND = 60

type Latest = { current: EditorProps }

function keysOf(props: Latest): Extension {
  const run = (view: EditorView): boolean => {
    // What is offered would lie over what comes.
    closeCompletion(view)
    props.current.onRun?.()
    return props.current.onRun !== undefined
  }
  return [
    Prec.highest(keymap.of([{ key: 'Mod-Enter', run, stopPropagation: true }, { key: 'Tab', run: acceptCompletion }])),
    // Enter takes what is offered first; it comes here where nothing is.
    props.current.single === true ? keymap.of([{ key: 'Enter', run: (view) => { run(view); return true } }]) : [],
    keymap.of([...closeBracketsKeymap, ...(props.current.single === true ? [] : [...searchKeymap, ...foldKeymap]), ...defaultKeymap, ...historyKeymap]),
  ]
}

function extensionsOf(props: Latest, place: HTMLElement): Extension[] {
  const { label, language, single, readOnly, placeholder: shown } = props.current
  return [
    EditorView.cspNonce.of(nonce),
    EditorView.contentAttributes.of({ 'aria-label': label, spellcheck: 'false', tabindex: '0' }),
    // What floats must not be cut by what is around the editor, and belongs to the dialog that it is in.
    tooltips({ parent: place.closest<HTMLElement>('[role=dialog]') ?? document.body }),
    keysOf(props), history(), drawSelection(), bracketMatching(), closeBrackets(),
    completing(() => props.current.complete),
    single === true
      ? EditorState.transactionFilter.of((change) => (change.newDoc.lines > 1 ? [change, { changes: breaksOf(change.newDoc.toString()), sequential: true }] : change))
      : [lineNumbers(), EditorView.lineWrapping, search({ top: true }), readOnly === true ? [] : [lintGutter(), highlightActiveLine()]],
    language?.json === true ? [json(), foldGutter()] : [],
    language ? painting(language) : [],
    readOnly === true ? [EditorState.readOnly.of(true)] : [],
    shown === undefined ? [] : placeholder(shown),
    EditorView.updateListener.of((update) => {
      if (update.docChanged) props.current.onChange?.(update.state.doc.toString())
      if (update.docChanged || update.selectionSet) props.current.onCursor?.(update.state.selection.main.head)
    }),
  ]
}

/** What is pasted into one line loses its breaks. */
function breaksOf(text: string): { from: number; to: number; insert: string }[] {
  return [...text.matchAll(/\s*\n\s*/g)].map((hit) => ({ from: hit.index, to: hit.index + hit[0].length, insert: ' ' }))
}

function handleOf(view: EditorView): EditorHandle {
  return {
    focus: () => { view.focus() },
    replace: (from, to, insert) => {
      const end = view.state.doc.length
      view.dispatch({ changes: { from: Math.min(from, end), to: Math.min(to, end), insert }, selection: { anchor: Math.min(from, end) + insert.length }, userEvent: 'input', scrollIntoView: true })
      view.focus()
    },
    selection: () => { const { from, to } = view.state.selection.main; return { from, to } },
    select: (from, to) => {
      const end = view.state.doc.length
      const range = EditorSelection.range(Math.min(from, end), Math.min(to, end))
      // What is around it is seen as well.
      view.dispatch({ selection: range, effects: EditorView.scrollIntoView(range, { yMargin: AROUND }) })
      view.focus()
    },
  }
}

/** Escape closes what is offered before it closes the dialog around the editor, which listens ahead of it. */
function escapesFirst(view: EditorView): () => void {
  const onKey = (event: KeyboardEvent): void => {
    if (event.key !== 'Escape' || !view.hasFocus || !closeCompletion(view)) return
    event.preventDefault()
    event.stopPropagation()
  }
  window.addEventListener('keydown', onKey, { capture: true })
  return () => { window.removeEventListener('keydown', onKey, { capture: true }) }
}

/** The engine behind `Editor`. Language, label and kind hold as long as it is shown: give it a key where they change. */
export default function CodeEditor(props: EditorProps): ReactNode {
  const place = useRef<HTMLDivElement>(null)
  const view = useRef<EditorView>(undefined)
  const latest = useRef(props)
  latest.current = props

  useEffect(() => {
    const element = place.current
    if (!element) return undefined
    const made = new EditorView({ parent: element, state: EditorState.create({ doc: latest.current.value, selection: { anchor: latest.current.value.length }, extensions: extensionsOf(latest, element) }) })
    view.current = made
    if (latest.current.autoFocus === true) made.focus()
    latest.current.onReady?.(handleOf(made))
    latest.current.onCursor?.(made.state.selection.main.head)
    const escapesNoMore = escapesFirst(made)
    return () => { escapesNoMore(); latest.current.onReady?.(undefined); made.destroy(); view.current = undefined }
  }, [])

  useEffect(() => {
    const made = view.current
    if (!made || made.state.doc.toString() === props.value) return
    made.dispatch({ changes: { from: 0, to: made.state.doc.length, insert: props.value } })
  }, [props.value])

  useEffect(() => {
    const made = view.current
    if (!made) return
    const end = made.state.doc.length
    const problems = (props.problems ?? []).map((each) => ({ ...each, from: Math.min(each.from, end), to: Math.min(each.to, end) }))
    made.dispatch(setDiagnostics(made.state, problems))
  }, [props.problems])

  return <div ref={place} className="editor-view" />
}
