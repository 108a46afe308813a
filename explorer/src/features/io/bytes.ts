/** What a file says: its text, whatever its byte order mark; and the lines of one that may be very large. */

const MARKS = [['utf-16le', [0xff, 0xfe]], ['utf-16be', [0xfe, 0xff]], ['utf-8', [0xef, 0xbb, 0xbf]]] as const
const GZIP = [0x1f, 0x8b] as const
const ZSTD = [0x28, 0xb5, 0x2f, 0xfd] as const
/** Characters; no server takes or sends longer ones. */
const LONGEST_LINE = 64_000_000

export class NotText extends Error {}

function begins(head: Uint8Array, with_: readonly number[]): boolean { return with_.every((byte, index) => head[index] === byte) }

/** What a text is written in; UTF-8 where no mark says otherwise. */
export function encodingOf(head: Uint8Array): string { return MARKS.find(([, mark]) => begins(head, mark))?.[0] ?? 'utf-8' }

/** Read bytes as text, their mark taken off. What is no text of its encoding is refused: letters must not become others. */
export function textOf(bytes: Uint8Array): string {
  try {
    return new TextDecoder(encodingOf(bytes), { fatal: true }).decode(bytes)
  } catch {
    throw new NotText('not UTF-8')
  }
}

/** The bytes of a file, those that are in a packed one. Throws NotText for what only a server unpacks. */
export async function unpacked(file: Blob): Promise<ReadableStream<BufferSource>> {
  const head = new Uint8Array(await file.slice(0, 4).arrayBuffer())
  if (begins(head, ZSTD)) throw new NotText('zstd')
  return begins(head, GZIP) ? file.stream().pipeThrough(new DecompressionStream('gzip')) : file.stream()
}

/** Read lines as they come; they are never held as a whole. Throws RangeError for a line that is too long. */
export async function* linesOf(bytes: ReadableStream<BufferSource>): AsyncGenerator<string> {
  const reader = bytes.pipeThrough(new TextDecoderStream('utf-8')).getReader()
  let rest = ''
  try {
    for (;;) {
      const { done, value } = await reader.read()
      if (done) break
      const lines = (rest + value).split('\n')
      rest = lines.pop() ?? ''
      yield* lines
      if (rest.length > LONGEST_LINE) throw new RangeError(`a line has more than ${LONGEST_LINE} characters`)
    }
    if (rest !== '') yield rest
  } finally {
    // Whoever has seen enough wants no more of it.
    void reader.cancel().catch(() => undefined)
  }
}
