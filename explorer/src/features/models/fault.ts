/** Where a text stops being JSON: what browsers say of it has no place, or one of their own. */

const SPACE = /[ \t\r\n]*/y
const STRING = /"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/y
const SCALAR = /(?:-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null)(?![\w.+-])/y

type Wanted = 'value' | 'value or end' | 'name' | 'name or end' | 'colon' | 'next'

function match(pattern: RegExp, text: string, at: number): number {
  pattern.lastIndex = at
  const found = pattern.exec(text)
  return found ? found[0].length : 0
}

/** Offset of the first token that no JSON has there; the end of the text where something is missing; undefined where it is JSON. */
export function faultOf(text: string): number | undefined {
  const around: ('{' | '[')[] = []
  let wanted: Wanted = 'value'
  let at = 0
  for (;;) {
    at += match(SPACE, text, at)
    const inner = around.at(-1)
    if (wanted === 'next' && inner === undefined) return at < text.length ? at : undefined
    if (at >= text.length) return at
    const sign = text.charAt(at)
    if ((sign === '}' && inner === '{' && (wanted === 'next' || wanted === 'name or end')) || (sign === ']' && inner === '[' && (wanted === 'next' || wanted === 'value or end'))) {
      around.pop()
      wanted = 'next'
      at += 1
    } else if (wanted === 'next') {
      if (sign !== ',') return at
      wanted = inner === '{' ? 'name' : 'value'
      at += 1
    } else if (wanted === 'colon') {
      if (sign !== ':') return at
      wanted = 'value'
      at += 1
    } else if (wanted === 'name' || wanted === 'name or end') {
      const length = match(STRING, text, at)
      if (length === 0) return at
      wanted = 'colon'
      at += length
    } else if (sign === '{' || sign === '[') {
      around.push(sign)
      wanted = sign === '{' ? 'name or end' : 'value or end'
      at += 1
    } else {
      const length = match(STRING, text, at) || match(SCALAR, text, at)
      if (length === 0) return at
      wanted = 'next'
      at += length
    }
  }
}
