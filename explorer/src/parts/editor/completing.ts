/** Completion of the editor: what is offered comes from `lang`, in its order. */
import { autocompletion, type Completion as Choice, type CompletionContext, type CompletionResult } from '@codemirror/autocomplete'
import type { Extension } from '@codemirror/state'
import type { Completion, Option } from '@/lang/complete'
import type { EditorProps } from './types'

/** Behind these something is offered before a letter is typed. */
const INVITES = /(?:[.'"`:|[({$]|\b(?:from|related|where|and|or|xor|not|select|return|by|in|when|then|else)\s|[=<>,]\s?)$/i

function choiceOf(option: Option, at: Completion): Choice {
  const insert = option.insert ?? option.label
  return {
    label: option.label,
    type: option.kind,
    ...(option.detail !== undefined && { detail: option.detail }),
    ...(option.info !== undefined && { info: option.info }),
    apply: (view, _choice, from) => {
      const to = Math.max(view.state.selection.main.head, at.to)
      // A call goes on inside its brackets; those that stand there already are not doubled.
      const call = insert.endsWith('(')
      const text = call && view.state.sliceDoc(to, to + 1) === '(' ? insert.slice(0, -1) : call ? `${insert})` : insert
      view.dispatch({ changes: { from, to, insert: text }, selection: { anchor: from + insert.length }, userEvent: 'input.complete' })
    },
  }
}

export function completing(complete: () => EditorProps['complete']): Extension {
  const source = async (context: CompletionContext): Promise<CompletionResult | null> => {
    const ask = complete()
    if (!ask) return null
    const text = context.state.doc.toString()
    const before = context.state.sliceDoc(Math.max(0, context.pos - 20), context.pos)
    if (!context.explicit && !/[\p{L}\p{N}_][-:;]?$/u.test(before) && !INVITES.test(before)) return null
    const aborted = new AbortController()
    context.addEventListener('abort', () => { aborted.abort() })
    const found = await Promise.resolve(ask(text, context.pos, aborted.signal)).catch(() => undefined)
    if (!found || found.options.length === 0 || context.aborted) return null
    return { from: found.from, options: found.options.map((each) => choiceOf(each, found)), filter: false }
  }
  return autocompletion({
    override: [source], icons: false, maxRenderedOptions: 60, defaultKeymap: true, activateOnTypingDelay: 60,
    addToOptions: [{
      position: 20,
      render: (choice) => {
        const mark = document.createElement('span')
        mark.className = `ed-kind ed-kind-${choice.type ?? 'value'}`
        mark.ariaHidden = 'true'
        return mark
      },
    }],
    tooltipClass: () => 'ed-completion',
  })
}
