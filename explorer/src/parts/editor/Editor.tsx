import './editor.css'
import { lazy, type ReactNode, Suspense } from 'react'
import type { EditorProps } from './types'

const CodeEditor = lazy(() => import('./CodeEditor'))

/** An editor of text; its engine is loaded when it is first shown. Until then the text stands there already. */
export function Editor(props: EditorProps): ReactNode {
  return (
    <div className={props.single === true ? 'editor single' : 'editor'} data-testid={props.testId}>
      <Suspense fallback={<pre className="editor-early" aria-hidden>{props.value}</pre>}><CodeEditor {...props} /></Suspense>
    </div>
  )
}
