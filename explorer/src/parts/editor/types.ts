/** What an editor of text can be given: a language, problems, completion. Filters, queries, models and twins are written in it. */
import type { Completion } from '@/lang/complete'
import type { LineState, Piece } from '@/lang/highlight'

export interface EditorLanguage {
  /** Return the piece of a line that begins at a place. */
  readonly pieceAt: (line: string, from: number, state: LineState) => Piece
  /** JSON folds, and its brackets are closed. */
  readonly json?: true
}

export interface Problem {
  readonly from: number
  readonly to: number
  readonly severity: 'error' | 'warning'
  readonly message: string
}

export interface EditorHandle {
  readonly focus: () => void
  /** Change a part of the text, as a person would: it can be undone. */
  readonly replace: (from: number, to: number, insert: string) => void
  /** The selection; empty at the cursor. */
  readonly selection: () => { readonly from: number; readonly to: number }
  readonly select: (from: number, to: number) => void
}

export interface EditorProps {
  readonly label: string
  readonly value: string
  readonly onChange?: (text: string) => void
  readonly language?: EditorLanguage
  readonly complete?: (text: string, cursor: number, signal: AbortSignal) => Completion | Promise<Completion>
  readonly problems?: readonly Problem[]
  /** Ctrl Enter. */
  readonly onRun?: () => void
  readonly onCursor?: (cursor: number) => void
  /** One line: Enter runs, nothing wraps, no numbers. */
  readonly single?: boolean
  readonly readOnly?: boolean
  readonly placeholder?: string
  readonly autoFocus?: boolean
  readonly testId?: string
  readonly onReady?: (handle: EditorHandle | undefined) => void
}
