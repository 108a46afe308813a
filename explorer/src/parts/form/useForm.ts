import { useCallback, useEffect, useMemo, useRef, useState } from 'react'
import type { JsonObject } from '@/api/json'
import { useGraph } from '@/state/graph'
import { keepForm, readForm, waitingForm } from './kept'

export interface Form<T> {
  readonly value: T
  readonly change: (part: Partial<T> | ((before: T) => Partial<T>)) => void
  /** It begins with what was written before. */
  readonly isOld: boolean
  /** Too long to outlive a reload. */
  readonly isFleeting: boolean
  /** Begin anew. */
  readonly restart: () => void
  /** It was sent or cancelled: nothing of it is kept. */
  readonly forget: () => void
  /** It was closed, perhaps by mistake: what is written waits for the form to be opened again. */
  readonly putAside: () => void
}

interface FormOf<T> {
  readonly kind: string
  /** What it is of: each has a draft of its own. */
  readonly name: string
  /** What it begins with. */
  readonly begin: () => T
  /** Take up what was kept; what is missing in it is as in `begin`. */
  readonly read: (kept: JsonObject) => Partial<T>
  /** What of it is kept: all of it, unless this says otherwise. Undefined: it is too long, which is found out without writing all of it. */
  readonly write?: (value: T) => object | undefined
}

/** What is written into a form, kept for a reload, a token that ends, and the way back (design 5.4). */
export function useForm<T extends object>(form: FormOf<T>): Form<T> {
  const { name: graph } = useGraph()
  // Who opens another form mounts another one: these stay.
  const { current: { kind, name, begin, read, write = (value: T): object | undefined => value } } = useRef(form)
  const [kept] = useState(() => readForm(graph, kind, name))
  const [value, setValue] = useState(() => (kept ? { ...begin(), ...read(kept.value) } : begin()))
  const [isOld, setOld] = useState(kept !== undefined)
  const [isFleeting, setFleeting] = useState(false)
  const now = useRef({ value, isWritten: kept !== undefined })
  const keepNow = useCallback((aside: boolean) => {
    const written = write(now.current.value)
    return keepForm(graph, kind, name, written && { aside, value: written }) && written !== undefined
  }, [graph, kind, name, write])
  useEffect(() => { if (kept) keepForm(graph, kind, name, { aside: false, value: kept.value }) }, [kept, graph, kind, name])
  const change = useCallback((part: Partial<T> | ((before: T) => Partial<T>)) => {
    const before = now.current.value
    now.current = { value: { ...before, ...(typeof part === 'function' ? part(before) : part) }, isWritten: true }
    setValue(now.current.value)
    setFleeting(!keepNow(false))
  }, [keepNow])
  const forget = useCallback(() => {
    now.current = { value: now.current.value, isWritten: false }
    keepForm(graph, kind, name, undefined)
  }, [graph, kind, name])
  const restart = useCallback(() => {
    forget()
    now.current = { value: begin(), isWritten: false }
    setValue(now.current.value)
    setOld(false)
    setFleeting(false)
  }, [forget, begin])
  const putAside = useCallback(() => {
    if (now.current.isWritten) keepNow(true)
  }, [keepNow])
  return useMemo(() => ({ value, change, isOld, isFleeting, restart, forget, putAside }), [value, change, isOld, isFleeting, restart, forget, putAside])
}

/** The form of a kind that was open when the page was left, for the screen on which it opens again. */
export function useWaitingForm(kind: string): string | undefined {
  const { name: graph } = useGraph()
  const [waiting] = useState(() => waitingForm(graph, kind))
  return waiting
}
