/** Writing what is downloaded: to disk as it comes where the browser can, else all at once. */

import { saveBlob } from '@/ui/download'

interface Picker { showSaveFilePicker?: (options: { suggestedName: string }) => Promise<{ createWritable: () => Promise<WritableStream<Uint8Array>> }> }

/** Save a response; returns how many bytes it had. `counted` hears of them meanwhile. */
export async function saveResponse(response: Response, name: string, counted: (bytes: number) => void): Promise<number> {
  let size = 0
  const count = new TransformStream<Uint8Array, Uint8Array>({ transform: (chunk, to) => { size += chunk.length; counted(size); to.enqueue(chunk) } })
  const body = response.body?.pipeThrough(count)
  if (!body) return 0
  const { showSaveFilePicker } = window as Picker
  if (showSaveFilePicker && window.isSecureContext && navigator.userActivation.isActive) {
    const file = await showSaveFilePicker.call(window, { suggestedName: name })
    await body.pipeTo(await file.createWritable())
  } else saveBlob(await new Response(body).blob(), name)
  return size
}
