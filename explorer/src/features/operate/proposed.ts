/** What a proposal would change, as lines that a person decides by. */
import { type Json, type JsonObject, writeJson } from '@/api/json'
import { visible } from '@/text/visible'

export interface ProposalRow {
  /** Null after a dry run alone, which nothing lists. */
  readonly id: string | null
  readonly status: 'open' | 'approved' | 'applied' | 'expired'
  readonly reason: string
  readonly by: string
  readonly count: number
  readonly needsApproval: boolean
  readonly expires: string
  readonly approvedBy: string | null
}
export interface Difference {
  readonly kind: 'twin' | 'relationship'
  readonly id: string
  readonly source?: string
  readonly what: 'added' | 'changed' | 'removed'
  readonly before?: JsonObject
  readonly after?: JsonObject
  readonly patch?: readonly JsonObject[]
}
export interface Proposal extends ProposalRow { readonly diff: readonly Difference[] }

export interface Line { readonly key: string; readonly what: Difference['what']; readonly name: string; readonly path: string; readonly before: string; readonly after: string }

/** Return a line for each thing that comes or goes, and for each value that changes. */
export function linesOf(diff: readonly Difference[]): readonly Line[] {
  return diff.flatMap((each, at) => {
    const name = visible(each.source === undefined ? each.id : `${each.source} → ${each.id}`)
    if (each.what !== 'changed') return [{ key: String(at), what: each.what, name, path: '', before: told(each.before), after: told(each.after) }]
    return (each.patch ?? []).map((step, part) => ({ key: `${at}/${part}`, what: each.what, name, path: visible(String(step.path)), before: told(step.was), after: told(step.value) }))
  })
}

function told(value: Json | undefined): string { return value === undefined ? '' : visible(writeJson(value)) }
