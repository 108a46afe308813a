/** Colours of a language's pieces, on the lines that are seen. */
import { type Extension, RangeSetBuilder } from '@codemirror/state'
import { Decoration, type DecorationSet, type EditorView, ViewPlugin, type ViewUpdate } from '@codemirror/view'
import { BEGIN, type LineState, type Style } from '@/lang/highlight'
import type { EditorLanguage } from './types'

/** A line longer than this is not coloured: nobody reads it. */
const LONGEST = 5000

const marks = new Map<Style, Decoration>()

function markOf(style: Style): Decoration {
  const known = marks.get(style) ?? Decoration.mark({ class: `ed-${style}` })
  marks.set(style, known)
  return known
}

function painted(view: EditorView, language: EditorLanguage): DecorationSet {
  const builder = new RangeSetBuilder<Decoration>()
  for (const { from, to } of view.visibleRanges) {
    let state: LineState = BEGIN
    for (let line = view.state.doc.lineAt(from); ; line = view.state.doc.lineAt(line.to + 1)) {
      for (let at = 0; at < line.length && line.length <= LONGEST;) {
        const piece = language.pieceAt(line.text, at, state)
        if (piece.style) builder.add(line.from + at, line.from + at + piece.length, markOf(piece.style))
        at += piece.length
        state = piece.state
      }
      if (line.to >= to || line.to >= view.state.doc.length) break
    }
  }
  return builder.finish()
}

export function painting(language: EditorLanguage): Extension {
  return ViewPlugin.fromClass(class {
    decorations: DecorationSet
    constructor(view: EditorView) { this.decorations = painted(view, language) }
    update(update: ViewUpdate): void {
      if (update.docChanged || update.viewportChanged) this.decorations = painted(update.view, language)
    }
  }, { decorations: (plugin) => plugin.decorations })
}
