import './parts.css'
import { type ReactNode, useMemo } from 'react'
import { type Json, writeJson } from '@/api/json'

const TOKENS = /("(?:[^"\\]|\\.)*")(\s*:)?|(-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)|(true|false|null)/g
const LONGEST = 200_000

function coloured(text: string): readonly ReactNode[] {
  const parts: ReactNode[] = []
  let from = 0
  for (const found of text.matchAll(TOKENS)) {
    const [whole, string, colon, number] = found
    if (found.index > from) parts.push(text.slice(from, found.index))
    const kind = string === undefined ? (number === undefined ? 'json-word' : 'json-number') : colon === undefined ? 'json-string' : 'json-key'
    parts.push(<span key={found.index} className={kind}>{colon === undefined ? whole : string}</span>)
    if (colon !== undefined) parts.push(colon)
    from = found.index + whole.length
  }
  return [...parts, text.slice(from)]
}

/** A JSON value to be read, its parts coloured. */
export function JsonView({ value }: { value: Json }): ReactNode {
  const text = useMemo(() => writeJson(value, 2), [value])
  const content = useMemo(() => (text.length > LONGEST ? [text] : coloured(text)), [text])
  return <pre className="json-view mono" tabIndex={0}>{content}</pre>
}
