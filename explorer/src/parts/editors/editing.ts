/** What the editors of a form share: where edits go, what cannot be read, what was refused. */
import { createContext, type ReactNode, useContext } from 'react'
import type { Edit } from '../values/draft'
import type { Path } from '../values/patch'

export interface Editing {
  readonly readOnly: boolean
  /** Texts that are no values yet, by pointer. */
  readonly texts: ReadonlyMap<string, string>
  /** Why the server refused a value, by pointer. */
  readonly refusals: ReadonlyMap<string, string>
  readonly onEdit: (edits: readonly Edit[]) => void
  /** Whether a value may be missing: elements of arrays may not. */
  readonly canUnset: boolean
  readonly isEdited: (path: Path) => boolean
  readonly onRevert?: (path: Path) => void
  /** What a form adds at the right of a row, and below it. */
  readonly aside?: (path: Path) => ReactNode
  readonly below?: (path: Path) => ReactNode
  /** What is told instead of a value that is not set: that several differ. */
  readonly unsetText?: (path: Path) => string | undefined
  readonly isLively?: (path: Path) => boolean
  /** First part of test ids: `inspector`. */
  readonly testId: string
}

const NOTHING: ReadonlyMap<string, string> = new Map()

export const NO_EDITING: Editing = {
  readOnly: true, texts: NOTHING, refusals: NOTHING, onEdit: () => undefined, canUnset: false, isEdited: () => false, testId: 'values',
}

export const EditingContext = createContext<Editing>(NO_EDITING)
export function useEditing(): Editing { return useContext(EditingContext) }

export function testIdOf(editing: Editing, part: string, path: Path): string { return `${editing.testId}.${part}.${path.join('.')}` }
