/** Writing what is downloaded: to disk as it comes where the browser can, else all at once. */
import { saveBlob } from '@/ui/download'

interface Handle { readonly createWritable: () => Promise<WritableStream<Uint8Array>>; readonly remove?: () => Promise<void> }
interface Picker { showSaveFilePicker?: (options: { suggestedName: string }) => Promise<Handle> }

/** What is to be saved: a stream that is opened once it is known where it goes. */
export interface Saving {
  readonly name: string
  readonly open: () => Promise<ReadableStream<Uint8Array>>
  /** Hears how many bytes there are so far. */
  readonly counted: (bytes: number) => void
  readonly signal: AbortSignal
}

function counting(counted: (bytes: number) => void): TransformStream<Uint8Array, Uint8Array> {
  let size = 0
  return new TransformStream({ transform: (chunk, to) => { size += chunk.length; counted(size); to.enqueue(chunk) } })
}

/** Save a stream. The person is asked first where to, as browsers allow that only right after a click; AbortError says that they did not want to. */
export async function save({ name, open, counted, signal }: Saving): Promise<void> {
  const { showSaveFilePicker } = window as Picker
  if (!showSaveFilePicker || !window.isSecureContext) {
    const body = (await open()).pipeThrough(counting(counted), { signal })
    saveBlob(await new Response(body).blob(), name)
    return
  }
  const handle = await showSaveFilePicker.call(window, { suggestedName: name })
  try {
    const body = (await open()).pipeThrough(counting(counted), { signal })
    await body.pipeTo(await handle.createWritable(), { signal })
  } catch (error) {
    // The file that was made for it is empty: half an export must not be taken for a whole one.
    await handle.remove?.().catch(() => undefined)
    throw error
  }
}
