import { useQueryClient } from '@tanstack/react-query'
import { useMemo, useState } from 'react'
import { type ApiError, asApiError } from '@/api/errors'
import { type JsonObject, splitPointer } from '@/api/json'
import { isTwin } from '@/state/twins'
import { useGraph, useMay } from '@/state/graph'
import { t } from '@/text/text'
import { toast } from '@/ui/toasts'
import type { Editing } from '@/parts/editors/editing'
import { useDraft } from '@/parts/drafts'
import { redoSaved, saveDraft, undoSaved } from '@/parts/saving'
import { formatSubject, readSubject, type Subject } from '@/parts/subject'
import { wrote } from '@/parts/undoable'
import { acknowledged, beginDraft, changeCount, conflicts, type Draft, draftPatch, type Edit, edited, isTouched, leftOver, rebased, redone, reverted, touched, undone, unreadable, withEdits } from '@/parts/values/draft'
import { isWithin, type Path } from '@/parts/values/patch'

export interface Conflict { readonly theirs: JsonObject; readonly paths: readonly Path[] }

export interface Editor {
  readonly draft: Draft | undefined
  /** The document as it is, with what is edited in it. */
  readonly shown: JsonObject
  readonly editing: Editing
  readonly changes: number
  readonly unread: number
  /** Touched values that came otherwise from others meanwhile. */
  readonly meanwhile: readonly Path[]
  readonly refused: ApiError | undefined
  /** What was refused of no field that is shown. */
  readonly rest: readonly string[]
  readonly conflict: Conflict | undefined
  readonly saving: boolean
  save: (draft?: Draft) => Promise<void>
  discard: () => void
  undo: () => void
  redo: () => void
  /** Take edits; `from` is the document that they were made of, if it is not the one that is shown now. */
  edit: (edits: readonly Edit[], from?: JsonObject) => void
  takeTheirs: (path: Path) => void
  keepMine: (path: Path) => void
  settle: (draft: Draft | undefined) => void
}

const NOTHING: ReadonlyMap<string, string> = new Map()

function refusalsOf(error: ApiError | undefined): ReadonlyMap<string, string> {
  if (!error) return NOTHING
  return new Map(error.details.flatMap((each) => (each.path === undefined ? [] : [[each.path, each.message] as const])))
}

/** Editing of one twin or relationship: what is touched, saved, refused, in conflict (design 5.4). */
export function useEditor(subject: Subject, document: JsonObject, extras: Pick<Editing, 'aside' | 'below' | 'isLively'> = {}): Editor {
  const { name: graph, twins, at } = useGraph()
  const client = useQueryClient()
  const may = useMay()
  const [kept, change] = useDraft(graph, subject)
  // An edit is of the present: what was there at another instant is shown as it was.
  const draft = at === undefined ? kept : undefined
  const [refused, setRefused] = useState<ApiError>()
  const [conflict, setConflict] = useState<Conflict>()
  const [saving, setSaving] = useState(false)
  const readOnly = !may(subject.kind === 'twin' ? 'digitaltwins/write' : 'digitaltwins/relationships/write')

  return useMemo((): Editor => {
    const took = (fresh: JsonObject): void => {
      if (subject.kind === 'twin' && isTwin(fresh)) twins.putNow([fresh])
      // What was read of the past stays what it was.
      client.setQueriesData({ queryKey: [graph, subject.kind, formatSubject(subject)], predicate: (each) => each.queryKey[3] === undefined }, fresh)
      void client.invalidateQueries({ queryKey: [graph, 'history', formatSubject(subject)] })
      if (subject.kind === 'relationship') void client.invalidateQueries({ queryKey: [graph, 'relationships'] })
    }
    // The first touch reads the document anew: what is saved later is held against this version.
    const begin = (): void => {
      void readSubject(graph, subject).then((fresh) => {
        took(fresh)
        change((now) => (now && conflicts(now, fresh).length === 0 ? rebased(now, fresh) : now))
      }).catch(() => undefined)
    }
    const edit = (edits: readonly Edit[], from = document): void => {
      if (!draft) begin()
      const isKept = change((now) => edited(now ?? beginDraft(from), edits, Date.now()))
      if (!isKept) toast({ text: t('inspector.draft-too-long'), kind: 'error' })
    }
    const close = (): void => { change(() => undefined); setRefused(undefined); setConflict(undefined) }
    const offerUndo = (saved: Draft, operations: ReturnType<typeof draftPatch>): void => {
      wrote(t('inspector.saved-name', { name: formatSubject(subject) }),
        async () => { took(await undoSaved(graph, subject, saved, operations)) },
        async () => { took(await redoSaved(graph, subject, saved)) })
    }
    const save = async (from = draft): Promise<void> => {
      if (!from || saving || unreadable(from).size > 0) return
      setSaving(true)
      setRefused(undefined)
      try {
        const saved = await saveDraft(graph, subject, from)
        if (saved.kind === 'refused') setRefused(saved.error)
        else if (saved.kind === 'conflict') { took(saved.theirs); setConflict({ theirs: saved.theirs, paths: saved.paths }) } else {
          // What was written while it was saved stays.
          change((now) => leftOver(now, from, saved.kind === 'saved' ? saved.document : from.base))
          setConflict(undefined)
          if (saved.kind === 'saved') {
            took(saved.document)
            offerUndo(from, saved.undo)
            if (saved.overNewer) toast({ text: t('inspector.saved-over') })
          }
        }
      } catch (error) {
        setRefused(asApiError(error))
      } finally {
        setSaving(false)
      }
    }
    const refusals = refusalsOf(refused)
    const paths = draft ? touched(draft) : []
    const rest = refused ? (refused.details.length === 0 ? [refused.message] : refused.details.filter((each) => each.path === undefined || !paths.some((path) => isWithin(splitPointer(each.path ?? ''), path) || isWithin(path, splitPointer(each.path ?? '')))).map((each) => each.message)) : []
    return {
      draft, shown: draft ? withEdits(document, draft) : document, changes: draft ? changeCount(draft) : 0, unread: draft ? unreadable(draft).size : 0,
      meanwhile: draft && !saving ? conflicts(draft, document) : [], refused, rest, conflict, saving, save, edit,
      discard: close,
      undo: () => { change((now) => now && undone(now)) },
      redo: () => { change((now) => now && redone(now)) },
      takeTheirs: (path) => { change((now) => now && acknowledged(reverted(now, path), path, document)) },
      keepMine: (path) => { change((now) => now && acknowledged(now, path, document)) },
      settle: (next) => { setConflict(undefined); change(() => next) },
      editing: {
        readOnly, texts: draft ? unreadable(draft) : NOTHING, refusals, canUnset: true, testId: 'inspector', onEdit: edit,
        isEdited: (path) => draft !== undefined && isTouched(draft, path),
        onRevert: (path) => { change((now) => now && reverted(now, path)) },
        ...extras,
      },
    }
  }, [subject, document, draft, refused, conflict, saving, graph, twins, client, change, readOnly, extras])
}
