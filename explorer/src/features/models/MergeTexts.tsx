import { json } from '@codemirror/lang-json'
import { MergeView } from '@codemirror/merge'
import { EditorState, type Extension } from '@codemirror/state'
import { EditorView, lineNumbers } from '@codemirror/view'
import { type ReactNode, useEffect, useRef } from 'react'
import { writeJson } from '@/api/json'
import { nonce } from '@/api/place'
import { t } from '@/text/text'
import { Waiting } from '@/ui/states'
import { useDefinition } from './data'

/** The DTDL of two models side by side. */
export default function MergeTexts({ before, after }: { before: string; after: string }): ReactNode {
  const one = useDefinition(before)
  const other = useDefinition(after)
  const place = useRef<HTMLDivElement>(null)
  useEffect(() => {
    if (!place.current || !one.data || !other.data) return undefined
    const extensionsOf = (label: string): readonly Extension[] => [
      json(), lineNumbers(), EditorView.editable.of(false), EditorState.readOnly.of(true), EditorView.cspNonce.of(nonce), EditorView.contentAttributes.of({ 'aria-label': label, tabindex: '0' }),
    ]
    const view = new MergeView({
      parent: place.current, collapseUnchanged: { margin: 2, minSize: 6 },
      a: { doc: writeJson(one.data, 2), extensions: extensionsOf(before) }, b: { doc: writeJson(other.data, 2), extensions: extensionsOf(after) },
    })
    return () => { view.destroy() }
  }, [one.data, other.data, before, after])
  if (one.isPending || other.isPending) return <Waiting rows={8} what={t('models.json')} />
  return <div className="models-merge" ref={place} data-testid="models.merge" />
}
