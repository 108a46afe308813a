import { useEffect, useState } from 'react'

/** Return a text once nobody has changed it for a while: what asks the server at each letter asks too much. */
export function usePaused(text: string, milliseconds: number): string {
  const [paused, setPaused] = useState(text)
  useEffect(() => {
    const timer = setTimeout(() => { setPaused(text) }, milliseconds)
    return () => { clearTimeout(timer) }
  }, [text, milliseconds])
  return paused
}
