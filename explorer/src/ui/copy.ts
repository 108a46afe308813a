/** One way to the clipboard. */
import { t } from '@/text/text'
import { toast } from './toasts'

/** Plain http, but for this machine, has no clipboard of its own: there the page copies as if somebody had pressed the keys. */
function copyAsKeys(text: string): boolean {
  let isDone = false
  const put = (event: ClipboardEvent): void => {
    if (!event.clipboardData) return
    event.clipboardData.setData('text/plain', text)
    event.preventDefault()
    event.stopImmediatePropagation()
    isDone = true
  }
  document.addEventListener('copy', put, { capture: true })
  try {
    document.execCommand('copy')
  } catch {
    // It is told below, like a refusal.
  } finally {
    document.removeEventListener('copy', put, { capture: true })
  }
  return isDone
}

/** Copy a text and say so, or say that it could not be copied. Returns whether it was. */
export async function copyText(text: string, told: string = t('ui.copied')): Promise<boolean> {
  // Its type says that it is always there.
  const clipboard: Clipboard | undefined = navigator.clipboard
  const isDone = clipboard ? await clipboard.writeText(text).then(() => true, () => copyAsKeys(text)) : copyAsKeys(text)
  toast(isDone ? { text: told } : { kind: 'error', text: t('ui.no-clipboard') })
  return isDone
}
