/** Files that are being mended in place: where each was opened, and what is written in it and not taken yet. Pure. */
import { isObject, type Json } from '@/api/json'
import { textIn } from '@/parts/form/kept'

export interface Mending {
  readonly file: string
  /** Offset of what is wrong in it. */
  readonly at: number
  /** Its whole text; undefined while nothing is written. */
  readonly text: string | undefined
}

export type Place = Pick<Mending, 'file' | 'at'>

function isSame(one: Place, other: Place): boolean { return one.file === other.file && one.at === other.at }

export function isOpen(all: readonly Mending[], place: Place): boolean { return all.some((each) => isSame(each, place)) }

/** Open a file at a place, or close it where it is open there; what is written in any file stays. */
export function opening(all: readonly Mending[], place: Place): readonly Mending[] {
  const written = all.filter((each) => each.text !== undefined)
  if (written.some((each) => each.file === place.file)) return written.map((each) => (each.file === place.file ? { ...each, at: place.at } : each))
  return isOpen(all, place) ? written : [...written, { ...place, text: undefined }]
}

/** Write into a file; `before` is what it says itself. */
export function writing(all: readonly Mending[], file: string, text: string, before: string): readonly Mending[] {
  return all.map((each) => (each.file === file ? { ...each, text: text === before ? undefined : text } : each))
}

/** It is taken, or given up. */
export function closing(all: readonly Mending[], file: string): readonly Mending[] { return all.filter((each) => each.file !== file) }

/** Take up what was kept. */
export function readMending(kept: Json | undefined): readonly Mending[] {
  return (Array.isArray(kept) ? kept as readonly Json[] : []).flatMap((each) => {
    const [file, at] = isObject(each) ? [textIn(each, 'file'), each['at']] : []
    return isObject(each) && file !== undefined && typeof at === 'number' ? [{ file, at, text: textIn(each, 'text') }] : []
  })
}
