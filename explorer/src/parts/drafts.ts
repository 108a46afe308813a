/** Drafts of this page, kept for a reload. Who looks at a subject sees its draft. */
import { useCallback, useEffect } from 'react'
import { create } from 'zustand'
import { draftsOf, keepDraft, readDraft } from '@/state/drafts'
import { onSignOut } from '@/state/signout'
import { formatSubject, type Subject } from './subject'
import { type Draft, readDraftText, writeDraft } from './values/draft'

const useAll = create<{ readonly drafts: ReadonlyMap<string, Draft> }>(() => ({ drafts: new Map() }))
onSignOut(() => { useAll.setState({ drafts: new Map() }) })

function keyOf(graph: string, subject: Subject): string { return `${graph}\n${subject.kind}\n${formatSubject(subject)}` }

function put(key: string, draft: Draft | undefined): void {
  useAll.setState(({ drafts }) => {
    const next = new Map(drafts)
    if (draft) next.set(key, draft)
    else next.delete(key)
    return { drafts: next }
  })
}

export function draftNow(graph: string, subject: Subject): Draft | undefined { return useAll.getState().drafts.get(keyOf(graph, subject)) }

/** Change a draft; returns whether it outlives a reload. */
export function changeDraft(graph: string, subject: Subject, change: (before: Draft | undefined) => Draft | undefined): boolean {
  const next = change(draftNow(graph, subject))
  put(keyOf(graph, subject), next)
  return keepDraft(graph, subject.kind, formatSubject(subject), next && writeDraft(next))
}

export type DraftInHand = readonly [Draft | undefined, (change: (before: Draft | undefined) => Draft | undefined) => boolean]

export function useDraft(graph: string, subject: Subject): DraftInHand { return useKeptDraft(graph, subject.kind, formatSubject(subject)) }

/** One edit for several twins, whichever order they were selected in: another selection has another one. */
export function useDraftOfSeveral(graph: string, ids: readonly string[]): DraftInHand { return useKeptDraft(graph, 'several', nameOfSeveral(ids)) }

export function nameOfSeveral(ids: readonly string[]): string { return [...new Set(ids)].sort().join('\n') }

function useKeptDraft(graph: string, kind: string, name: string): DraftInHand {
  const key = `${graph}\n${kind}\n${name}`
  const draft = useAll((state) => state.drafts.get(key))
  useEffect(() => {
    if (useAll.getState().drafts.has(key)) return
    const text = readDraft(graph, kind, name)
    const kept = text === undefined ? undefined : readDraftText(text)
    if (kept) put(key, kept)
  }, [graph, kind, name, key])
  const change = useCallback((how: (before: Draft | undefined) => Draft | undefined) => {
    const next = how(useAll.getState().drafts.get(key))
    put(key, next)
    return keepDraft(graph, kind, name, next && writeDraft(next))
  }, [graph, kind, name, key])
  return [draft, change]
}

/** Ids of twins that have an edit that is not saved, for marks on the graph. */
export function useDraftedTwins(graph: string): ReadonlySet<string> {
  const drafts = useAll((state) => state.drafts)
  const prefix = `${graph}\ntwin\n`
  return new Set([...draftsOf(graph, 'twin'), ...[...drafts.keys()].filter((key) => key.startsWith(prefix)).map((key) => key.slice(prefix.length))])
}
