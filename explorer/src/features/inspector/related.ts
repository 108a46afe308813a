/** Relationships in groups by direction and name. Pure. */
import type { Related } from '@/parts/relationships'

export interface Tie { readonly source: string; readonly id: string; readonly other: string }
export interface TieGroup { readonly out: boolean; readonly name: string; readonly ties: readonly Tie[] }

export function tieGroups({ outgoing, incoming }: Related): readonly TieGroup[] {
  const groups = new Map<string, { out: boolean; name: string; ties: Tie[] }>()
  const add = (out: boolean, name: string, tie: Tie): void => {
    const key = `${out ? 1 : 0}${name}`
    const group = groups.get(key)
    if (group) group.ties.push(tie)
    else groups.set(key, { out, name, ties: [tie] })
  }
  for (const each of incoming) add(false, each.$relationshipName, { source: each.$sourceId, id: each.$relationshipId, other: each.$sourceId })
  for (const each of outgoing) add(true, each.$relationshipName, { source: each.$sourceId, id: each.$relationshipId, other: each.$targetId })
  return [...groups.values()]
}
