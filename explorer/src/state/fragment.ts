/** The large state of a view: deflated JSON in the fragment (design 2.2). */

export interface ViewState {
  readonly camera?: { readonly x: number; readonly y: number; readonly ratio: number }
  /** Positions moved by hand, by layout and twin. */
  readonly moved?: Readonly<Record<string, Readonly<Record<string, readonly [number, number]>>>>
  readonly hidden?: readonly string[]
  readonly pinned?: readonly string[]
  readonly collapsed?: readonly string[]
  /** Boxes of very many twins that were opened. */
  readonly opened?: readonly string[]
  /** Twins that were added to what the query finds. */
  readonly added?: readonly string[]
  /** Ends of the lens' scale, by property. */
  readonly domains?: Readonly<Record<string, readonly [number, number]>>
  /** The relationship that layers go along. */
  readonly along?: string
  /** Names of relationships that make boxes, in order. */
  readonly boxesBy?: readonly string[]
  /** Palette slots of families. */
  readonly slots?: Readonly<Record<string, number>>
}

export const LONGEST_FRAGMENT = 8192
const MOST_INFLATED = 2_000_000

async function through(bytes: Uint8Array<ArrayBuffer>, stream: CompressionStream | DecompressionStream): Promise<Uint8Array<ArrayBuffer>> {
  const reader = new Response(bytes).body?.pipeThrough(stream).getReader()
  if (!reader) return bytes
  const chunks: Uint8Array<ArrayBuffer>[] = []
  let size = 0
  for (;;) {
    const { done, value } = await reader.read()
    if (done) break
    size += value.length
    if (size > MOST_INFLATED) throw new RangeError('The state in this address is too large.')
    chunks.push(value as Uint8Array<ArrayBuffer>)
  }
  return new Uint8Array(await new Response(new ReadableStream({ start: (to) => { chunks.forEach((each) => { to.enqueue(each) }); to.close() } })).arrayBuffer())
}

/** Write a state as `s=...`. */
export async function writeFragment(state: ViewState): Promise<string> {
  const bytes = await through(new TextEncoder().encode(JSON.stringify(state)), new CompressionStream('deflate-raw'))
  const text = btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(''))
  return `s=${text.replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '')}`
}

/** Read a fragment; whatever is no state is none. */
export async function readFragment(hash: string): Promise<ViewState | undefined> {
  const found = /^#?s=([\w-]+)$/.exec(hash)?.[1]
  if (found === undefined) return undefined
  try {
    const bytes = Uint8Array.from(atob(found.replaceAll('-', '+').replaceAll('_', '/')), (each) => each.charCodeAt(0))
    const state: unknown = JSON.parse(new TextDecoder().decode(await through(bytes, new DecompressionStream('deflate-raw'))))
    return typeof state === 'object' && state !== null ? state : undefined
  } catch {
    return undefined
  }
}
