const FORGOTTEN_MS = 10_000

/** Give a file to the browser, to be saved. */
export function saveBlob(content: Blob | string, name: string, type = 'application/json'): void {
  const link = document.createElement('a')
  link.href = URL.createObjectURL(typeof content === 'string' ? new Blob([content], { type }) : content)
  link.download = name
  link.click()
  setTimeout(() => { URL.revokeObjectURL(link.href) }, FORGOTTEN_MS)
}
